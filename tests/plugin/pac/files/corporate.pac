// http://intranet/ => DIRECT
// http://wiki.corp.example/ => DIRECT
// https://www.example.com/ => PROXY proxy1.corp.example:8080; PROXY proxy2.corp.example:8080; DIRECT
// ftp://ftp.example.com/ => DIRECT
// http://10.1.2.3/ => DIRECT
// http://web.internal.example/ => DIRECT
// http://nowhere.example/ => PROXY proxy1.corp.example:8080; PROXY proxy2.corp.example:8080; DIRECT
// http://127.0.0.1/ => DIRECT

/* The usual file of a company. */
function FindProxyForURL(url, host)
{
    // Convert everything to lower case.
    var lhost = host.toLowerCase();
    url = url.toLowerCase();
    host = lhost;

    if (isPlainHostName(host) || dnsDomainIs(host, ".corp.example") ||
        localHostOrDomainIs(host, "portal.example.com"))
        return "DIRECT";

    if (url.substring(0, 4) == "ftp:")
        return "DIRECT";

    var hostIP = isResolvable(host) ? dnsResolve(host) : host;
    if (isInNet(hostIP, "10.0.0.0", "255.0.0.0") ||
        isInNet(hostIP, "172.16.0.0", "255.240.0.0") ||
        isInNet(hostIP, "192.168.0.0", "255.255.0.0") ||
        isInNet(hostIP, "127.0.0.0", "255.255.255.0"))
        return "DIRECT";

    return "PROXY proxy1.corp.example:8080; PROXY proxy2.corp.example:8080; DIRECT";
}
