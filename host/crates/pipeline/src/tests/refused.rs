//! Endpoints that cannot be built.

use super::*;

/// The configuration does not get that far.
#[test]
fn no_op_with_several_backends_is_refused_with_its_key() {
    let mut endpoint = endpoint(PLAIN.0, PLAIN.1);
    endpoint.backends.push(endpoint.backends[0].clone());
    let executors: [Arc<Recorder>; 2] = Default::default();
    let executors = executors.map(|one| one as Arc<dyn Executor>);
    let unsupported = Pipeline::build(&endpoint, executors.to_vec()).err();
    let unsupported = unsupported.expect("refused");
    assert_eq!(unsupported.len(), 1);
    assert_eq!(
        unsupported[0].to_string(),
        "endpoints[0].backend: `no-op` passes one answer on, not those of 2 backends"
    );
    assert!(unsupported[0].help.is_some());
}

#[test]
fn placeholders_that_are_no_parameters_are_refused() {
    let mut endpoint = endpoint(
        r#""endpoint": "/a/{id}""#,
        r#""host": ["h"], "url_pattern": "/{id}""#,
    );
    let sub = config::UrlPart::Param("JWT.sub".to_owned());
    endpoint.backends[0].url_pattern.parts.push(sub);
    let unsupported = Pipeline::build(&endpoint, vec![Arc::<Recorder>::default()]).err();
    let unsupported = unsupported.expect("refused");
    assert_eq!(unsupported.len(), 1);
    assert_eq!(
        unsupported[0].to_string(),
        "endpoints[0].backend[0].url_pattern: `{JWT.sub}` is not a parameter of `/a/{id}`"
    );
}

#[test]
fn an_endpoint_without_an_executor_is_refused() {
    let endpoint = endpoint(PLAIN.0, PLAIN.1);
    let unsupported = Pipeline::build(&endpoint, Vec::new())
        .err()
        .expect("refused");
    assert_eq!(unsupported[0].path.as_str(), "endpoints[0].backend");
}
