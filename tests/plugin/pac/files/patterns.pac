// http://www.google.example/ => PROXY web:8080
// http://mail.google.example/ => PROXY mail:8080
// https://svn.example.org/ => DIRECT
// https://img12.cdn.example/ => PROXY cdn:8080
// https://img.cdn.example/ => PROXY web:8080
// http://192.168.7.7/ => DIRECT

function FindProxyForURL(url, host) {
    var direct = /^(svn|git)\.example\.(org|net)$/i;
    if (direct.test(host)) { return "DIRECT"; }
    var ip = /^(\d{1,3})\.(\d{1,3})\.\d{1,3}\.\d{1,3}$/.exec(host);
    if (ip && ip[1] == 192 && ip[2] == 168) return "DIRECT";
    switch (true) {
        case shExpMatch(host, "mail.*"):
            return "PROXY mail:8080";
        case host.match(/^img\d+\.cdn\./) != null:
            return "PROXY cdn:8080";
        default:
            return "PROXY web:8080";
    }
}
