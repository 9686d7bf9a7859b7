//! Whatever a PAC file answers, each of its entries becomes a way or the whole
//! answer is refused: nothing is passed over, and only `DIRECT` is direct.
#![no_main]

use std::{error::Error as _, sync::Arc};

use cuttle_egress::{PacAnswer, PacEvaluator, PacProxies, ProxyOptions, Way};
use http::Uri;
use libfuzzer_sys::fuzz_target;

struct Script(String);

impl PacEvaluator for Script {
    fn find_proxy<'a>(&'a self, _: &'a str, _: &'a str) -> PacAnswer<'a> {
        Box::pin(async { Ok(self.0.clone()) })
    }
}

fuzz_target!(|data: &[u8]| {
    let answer = String::from_utf8_lossy(data).into_owned();
    let proxies = PacProxies::new(Arc::new(Script(answer.clone())), ProxyOptions::default());
    let way = Way::Pac(Arc::new(proxies));
    let target = Uri::from_static("https://target.test/");
    match cuttle_fuzz::runtime().block_on(way.explain(&target)) {
        Ok(decision) => {
            let entries = answer.split(';').map(str::trim);
            let entries: Vec<_> = entries.filter(|entry| !entry.is_empty()).collect();
            assert_eq!(decision.via.len(), entries.len(), "{answer:?}");
            for (via, entry) in decision.via.iter().zip(entries) {
                let direct = entry.eq_ignore_ascii_case("direct");
                assert_eq!(via.is_none(), direct, "{answer:?}");
                let label = via.as_deref().unwrap_or_default();
                assert!(
                    !label.contains(['@', '/', ' ']) || label.contains("://"),
                    "{label:?}"
                );
                assert!(!label.contains(char::is_control), "{label:?}");
            }
        }
        Err(error) => {
            let mut text = error.to_string();
            let mut source = error.source();
            while let Some(next) = source {
                text.push_str(&next.to_string());
                source = next.source();
            }
            assert!(!text.contains(char::is_control), "{text:?}");
        }
    }
});
