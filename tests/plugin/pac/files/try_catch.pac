// https://a.example/ => PROXY safe:8080
// https://fine.example/ => DIRECT

function FindProxyForURL(url, host) {
    try {
        if (host == "a.example") { notDefined(); }
        return "DIRECT";
    } catch (e) {
        alert("caught " + e);
        return "PROXY safe:8080";
    } finally {
        var unused = escape(url).substr(0, 3);
    }
}
