// https://dual.example/ => DIRECT
// https://nowhere.example/ => PROXY p:8080

function FindProxyForURLEx(url, host) {
    return isInNetEx(host, "2001:db8::/32") ? "DIRECT" : "PROXY p:8080";
}
