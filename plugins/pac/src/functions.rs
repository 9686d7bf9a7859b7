//! The functions that PAC files expect.
//!
//! There is no standard. Behaviour follows what browsers do (their code is
//! the same since Netscape's), with the `Ex` functions of Windows.

mod address;
mod clock;
mod name;
mod pattern;

use boa_engine::{Context, JsArgs, JsResult, JsString, JsValue, NativeFunction, js_string};

use crate::cuttle::pac::surroundings;

/// A function of the script's.
type Function = fn(&JsValue, &[JsValue], &mut Context) -> JsResult<JsValue>;

/// Name, number of parameters, body.
const FUNCTIONS: [(&str, usize, Function); 21] = [
    ("alert", 1, alert),
    ("convert_addr", 1, convert_addr),
    ("dateRange", 1, date_range),
    ("dnsDomainIs", 2, dns_domain_is),
    ("dnsDomainLevels", 1, dns_domain_levels),
    ("dnsResolve", 1, dns_resolve),
    ("dnsResolveEx", 1, dns_resolve_ex),
    ("getClientVersion", 0, client_version),
    ("isInNet", 3, is_in_net),
    ("isInNetEx", 2, is_in_net_ex),
    ("isPlainHostName", 1, is_plain_host_name),
    ("isResolvable", 1, is_resolvable),
    ("isResolvableEx", 1, is_resolvable_ex),
    ("localHostOrDomainIs", 2, local_host_or_domain_is),
    ("myIpAddress", 0, my_ip_address),
    ("myIpAddressEx", 0, my_ip_address_ex),
    ("shExpMatch", 2, sh_exp_match),
    ("sortIpAddressList", 1, sort_ip_address_list),
    ("timeRange", 1, time_range),
    ("weekdayRange", 1, weekday_range),
    ("isValidIpAddress", 1, is_valid_ip_address),
];

/// Makes every function known to the script.
pub fn register(context: &mut Context) -> JsResult<()> {
    for (name, parameters, body) in FUNCTIONS {
        let function = NativeFunction::from_fn_ptr(body);
        context.register_global_builtin_callable(JsString::from(name), parameters, function)?;
    }
    Ok(())
}

/// The argument at `index` as a text, as JavaScript would make one of it.
fn text(arguments: &[JsValue], index: usize, context: &mut Context) -> JsResult<String> {
    let text = arguments.get_or_undefined(index).to_string(context)?;
    Ok(text.to_std_string_lossy())
}

fn texts(arguments: &[JsValue], context: &mut Context) -> JsResult<Vec<String>> {
    (0..arguments.len())
        .map(|index| text(arguments, index, context))
        .collect()
}

fn string(text: impl AsRef<str>) -> JsResult<JsValue> {
    Ok(JsString::from(text.as_ref()).into())
}

fn alert(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    surroundings::alert(&text(arguments, 0, context)?);
    Ok(JsValue::undefined())
}

fn is_plain_host_name(
    _: &JsValue,
    arguments: &[JsValue],
    context: &mut Context,
) -> JsResult<JsValue> {
    Ok(name::is_plain(&text(arguments, 0, context)?).into())
}

fn dns_domain_is(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let (host, domain) = (text(arguments, 0, context)?, text(arguments, 1, context)?);
    Ok(name::ends_with(&host, &domain).into())
}

fn local_host_or_domain_is(
    _: &JsValue,
    arguments: &[JsValue],
    context: &mut Context,
) -> JsResult<JsValue> {
    let (host, full) = (text(arguments, 0, context)?, text(arguments, 1, context)?);
    Ok(name::is_or_begins(&host, &full).into())
}

fn dns_domain_levels(
    _: &JsValue,
    arguments: &[JsValue],
    context: &mut Context,
) -> JsResult<JsValue> {
    Ok(name::levels(&text(arguments, 0, context)?).into())
}

fn sh_exp_match(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let (subject, pattern) = (text(arguments, 0, context)?, text(arguments, 1, context)?);
    Ok(pattern::matches(&subject, &pattern).into())
}

fn is_resolvable(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    Ok(address::v4_of(&text(arguments, 0, context)?)
        .is_some()
        .into())
}

fn is_resolvable_ex(
    _: &JsValue,
    arguments: &[JsValue],
    context: &mut Context,
) -> JsResult<JsValue> {
    let addresses = address::all_of(&text(arguments, 0, context)?);
    Ok((!addresses.is_empty()).into())
}

fn dns_resolve(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    match address::v4_of(&text(arguments, 0, context)?) {
        Some(address) => string(address.to_string()),
        None => Ok(JsValue::null()),
    }
}

fn dns_resolve_ex(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    string(address::list(&address::all_of(&text(
        arguments, 0, context,
    )?)))
}

fn is_in_net(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let host = text(arguments, 0, context)?;
    let (net, mask) = (text(arguments, 1, context)?, text(arguments, 2, context)?);
    Ok(address::is_in_net(&host, &net, &mask).into())
}

fn is_in_net_ex(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let (host, prefix) = (text(arguments, 0, context)?, text(arguments, 1, context)?);
    Ok(address::has_prefix(&host, &prefix).into())
}

fn convert_addr(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    Ok(address::number(&text(arguments, 0, context)?).into())
}

fn is_valid_ip_address(
    _: &JsValue,
    arguments: &[JsValue],
    context: &mut Context,
) -> JsResult<JsValue> {
    Ok(address::is_v4(&text(arguments, 0, context)?).into())
}

fn sort_ip_address_list(
    _: &JsValue,
    arguments: &[JsValue],
    context: &mut Context,
) -> JsResult<JsValue> {
    match address::sorted(&text(arguments, 0, context)?) {
        Some(sorted) => string(sorted),
        None => Ok(false.into()),
    }
}

fn my_ip_address(_: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    let own = surroundings::my_ip_addresses();
    let v4 = own.iter().find(|address| address::is_v4(address));
    string(v4.map_or("127.0.0.1", String::as_str))
}

fn my_ip_address_ex(_: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    string(surroundings::my_ip_addresses().join(";"))
}

fn client_version(_: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    Ok(js_string!("1.0").into())
}

fn weekday_range(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    Ok(clock::now().in_weekdays(&texts(arguments, context)?).into())
}

fn date_range(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    Ok(clock::now().in_dates(&texts(arguments, context)?).into())
}

fn time_range(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    Ok(clock::now().in_times(&texts(arguments, context)?).into())
}
