// https://api.partner.example/ => PROXY eu.proxy.example:3128
// https://deep.api.partner.example/ => PROXY eu.proxy.example:3128
// https://files.partner.example/ => HTTPS us.proxy.example:443
// https://other.example/ => SOCKS5 fallback.proxy.example:1080
// https://partner.example/ => SOCKS5 fallback.proxy.example:1080

var PROXIES = { eu: "PROXY eu.proxy.example:3128", us: "HTTPS us.proxy.example:443" };
var RULES = [
    ["api.partner.example", "eu"],
    ["files.partner.example", "us"],
];
var fallback = "SOCKS5 fallback.proxy.example:1080";

function endsWith(text, end) {
    var at = text.length - end.length;
    return at >= 0 && text.indexOf(end, at) === at;
}

function FindProxyForURL(url, host) {
    for (var i = 0; i < RULES.length; i++) {
        var name = RULES[i][0];
        if (host == name || endsWith(host, "." + name)) {
            return PROXIES[RULES[i][1]];
        }
    }
    return fallback;
}
