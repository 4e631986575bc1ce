//! What a request and its answer carry over the proxy, and what ends there (RFC 9110, 7.6.1).

use std::net::IpAddr;

use hyper::header::{
    CONNECTION, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Those of one connection only, besides the ones that `Connection` names.
const OF_ONE_CONNECTION: [HeaderName; 7] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// The protocol that a message wants to change to, or changes to.
pub(super) fn upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let asks = tokens(headers).any(|token| token.eq_ignore_ascii_case("upgrade"));
    headers.get(UPGRADE).filter(|_| asks).cloned()
}

/// Takes out what is for one connection only, and puts the change of protocol back in.
pub(super) fn carry_over(headers: &mut HeaderMap, upgrade: Option<HeaderValue>) {
    let named: Vec<HeaderName> = tokens(headers).filter_map(|token| token.parse().ok()).collect();
    for name in named.iter().chain(&OF_ONE_CONNECTION) {
        headers.remove(name);
    }
    if let Some(protocol) = upgrade {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, protocol);
    }
}

/// Tells the program who asked and by which name. What another proxy in front has said of host and protocol stays.
pub(super) fn tell_origin(headers: &mut HeaderMap, client: IpAddr, host: &HeaderValue, port: u16) {
    // The server in us has answered it.
    headers.remove(EXPECT);
    headers.insert(HOST, host.clone());
    let earlier = headers.get(&FORWARDED_FOR).and_then(|value| value.to_str().ok());
    let chain = earlier.map_or_else(|| client.to_string(), |earlier| format!("{earlier}, {client}"));
    if let Ok(chain) = HeaderValue::from_str(&chain) {
        headers.insert(FORWARDED_FOR, chain);
    }
    headers.entry(FORWARDED_HOST).or_insert_with(|| host.clone());
    headers.entry(FORWARDED_PROTO).or_insert(HeaderValue::from_static("http"));
    headers.entry(FORWARDED_PORT).or_insert_with(|| HeaderValue::from(port));
}

fn tokens(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(CONNECTION).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn what_is_for_one_connection_stays_behind() {
        let mut lines = headers(&[
            ("connection", "keep-alive, X-Mine"),
            ("keep-alive", "timeout=5"),
            ("x-mine", "1"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("cookie", "a=b"),
        ]);
        assert_eq!(upgrade(&lines), None, "`Connection` does not say so");
        carry_over(&mut lines, None);
        assert_eq!(lines, headers(&[("cookie", "a=b")]));
    }

    #[test]
    fn a_change_of_protocol_is_carried_over() {
        let mut lines = headers(&[("connection", "keep-alive, Upgrade"), ("upgrade", "websocket")]);
        let protocol = upgrade(&lines);
        assert_eq!(protocol, Some(HeaderValue::from_static("websocket")));
        carry_over(&mut lines, protocol);
        assert_eq!(lines, headers(&[("connection", "upgrade"), ("upgrade", "websocket")]));
    }

    #[test]
    fn the_program_learns_who_asked() {
        let host = HeaderValue::from_static("web.shop.localhost:7777");
        let mut lines = headers(&[("x-forwarded-for", "10.0.0.1"), ("x-forwarded-proto", "https")]);
        tell_origin(&mut lines, Ipv4Addr::LOCALHOST.into(), &host, 7777);
        assert_eq!(
            lines,
            headers(&[
                ("host", "web.shop.localhost:7777"),
                ("x-forwarded-for", "10.0.0.1, 127.0.0.1"),
                ("x-forwarded-host", "web.shop.localhost:7777"),
                ("x-forwarded-port", "7777"),
                ("x-forwarded-proto", "https"),
            ])
        );
    }
}
