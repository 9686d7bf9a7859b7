// https://blocked.example/ => PROXY 127.0.0.1:1
// https://sub.blocked.example/ => PROXY 127.0.0.1:1
// https://allowed.example/ => SOCKS5 127.0.0.1:1080; SOCKS 127.0.0.1:1080; DIRECT
// https://example/ => SOCKS5 127.0.0.1:1080; SOCKS 127.0.0.1:1080; DIRECT

<!-- as generators of long lists write it
var domains = {
  "blocked.example": 1,
  "tracker.example": 1
};
var hasOwnProperty = Object.hasOwnProperty;

function FindProxyForURL(url, host) {
  var suffix;
  var pos = host.lastIndexOf('.');
  pos = host.lastIndexOf('.', pos - 1);
  while (1) {
    if (pos <= 0) {
      return hasOwnProperty.call(domains, host) ? "PROXY 127.0.0.1:1" : "SOCKS5 127.0.0.1:1080; SOCKS 127.0.0.1:1080; DIRECT";
    }
    suffix = host.substring(pos + 1);
    if (hasOwnProperty.call(domains, suffix)) {
      return "PROXY 127.0.0.1:1";
    }
    pos = host.lastIndexOf('.', pos - 1);
  }
}
