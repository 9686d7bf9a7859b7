// https://a.direct.example/ => DIRECT
// https://b.example:8443/ => PROXY p1.example:3128; PROXY p0.example:3128
// https://bb.example/ => PROXY p0.example:3128; PROXY p1.example:3128
// http://[2001:db8::1]/ => DIRECT

'use strict';
const direct = new Set(['direct.example', 'local.example']);
const proxies = ['p0.example:3128', 'p1.example:3128'];

class Router {
    #host;
    constructor(host) { this.#host = host; }
    get domain() { return this.#host.split('.').slice(-2).join('.'); }
    isDirect() { return direct.has(this.domain) || this.#host.includes(':'); }
}

const FindProxyForURL = (url, host) => {
    const router = new Router(host);
    if (router.isDirect()) { return 'DIRECT'; }
    // The same host always gets the same proxy first.
    const first = host.length % proxies.length;
    const order = [proxies[first], ...proxies.filter((_, index) => index !== first)];
    return order.map((place) => `PROXY ${place}`).join('; ');
};
