//! Which endpoint a request is for, by KrakenD's rules.
//!
//! # How a request is routed
//!
//! 1. The path is decoded as a whole, so an encoded slash separates segments
//!    like a plain one. A path that cannot be decoded is refused.
//! 2. The table of the request's method is searched segment by segment: text
//!    beats parameters with text around them, the longer text first, those beat
//!    bare parameters, and these beat a wildcard. A branch that leads nowhere is
//!    left for the next. A wildcard takes no `.` and no `..`.
//! 3. On a miss the other spellings are tried, which are answered by a redirect:
//!    with or without the trailing slash, in other case, with `//`, `.` and `..`
//!    resolved. Then the catch-all, and without one the other methods, for the
//!    answer 405.
//! 4. On a hit, parameters that look encoded still are refused, as backends
//!    would disagree about what they mean.
//!
//! # What this module does not do
//!
//! It makes no response: an `Outcome` holds what one has to say. Conflicts are
//! found when the table is built, all at once.

mod conflict;
mod path;
mod tree;

use std::sync::Arc;

use cuttle_pipeline::config::{KeyPath, PathPattern, RouterOptions};
use http::{Method, StatusCode};

pub(crate) use conflict::{Conflict, ConflictKind};
use tree::{Found, Origin, Tree};

/// Name of the value that a wildcard matched.
pub(crate) const REST: &str = cuttle_pipeline::REST;

/// Every route of the gateway. Never changes.
///
/// A lookup costs one hash per segment and branch tried, whatever the number of
/// routes; parameters with text around them are compared one after the other.
#[derive(Debug)]
pub(crate) struct Router<T> {
    /// One tree for each method: what one method serves has no influence on
    /// where another one leads.
    trees: Vec<(Method, Tree<T>)>,
    /// What gets the requests that nothing else serves, of any method.
    catch_all: Option<CatchAll<T>>,
    options: Options,
}

#[derive(Debug)]
struct CatchAll<T> {
    value: T,
    /// The one of what it matches, which is everything.
    names: [Arc<str>; 1],
    origin: Origin,
}

/// A path and method, and what they lead to.
#[derive(Debug)]
pub(crate) struct Route<T> {
    pub(crate) method: Method,
    pub(crate) path: PathPattern,
    /// Where it stands in the configuration, for [`Conflict`].
    pub(crate) place: KeyPath,
    pub(crate) value: T,
}

/// What KrakenD's `router` object says about paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Options {
    /// Not `disable_redirect_trailing_slash`.
    pub(crate) redirect_trailing_slash: bool,
    /// Not `disable_redirect_fixed_path`.
    pub(crate) redirect_fixed_path: bool,
    /// Not `disable_handle_method_not_allowed`: 405 rather than 404.
    pub(crate) handle_method_not_allowed: bool,
    /// Not `disable_path_decoding`: refuse parameters that are encoded still.
    pub(crate) check_params: bool,
    /// `remove_extra_slash`: resolve `//`, `.` and `..` before routing.
    pub(crate) remove_extra_slash: bool,
    /// `auto_options`: answer OPTIONS for every path.
    pub(crate) auto_options: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            redirect_trailing_slash: true,
            redirect_fixed_path: true,
            handle_method_not_allowed: true,
            check_params: true,
            remove_extra_slash: false,
            auto_options: false,
        }
    }
}

impl From<&RouterOptions> for Options {
    fn from(config: &RouterOptions) -> Self {
        Self {
            redirect_trailing_slash: !config.disable_redirect_trailing_slash,
            redirect_fixed_path: !config.disable_redirect_fixed_path,
            handle_method_not_allowed: !config.disable_handle_method_not_allowed,
            check_params: !config.disable_path_decoding,
            remove_extra_slash: config.remove_extra_slash,
            auto_options: config.auto_options,
        }
    }
}

/// Where a request leads.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome<'r, T> {
    /// To this route.
    Found {
        value: &'r T,
        /// Names and decoded values, in the order of the pattern.
        params: Vec<(Arc<str>, String)>,
    },
    /// To another spelling of the path.
    Redirect {
        /// 301 for GET and HEAD, 307 for methods that may carry a body.
        status: StatusCode,
        /// Path and query on this origin: starts with exactly one slash.
        location: String,
    },
    /// Other methods are served here.
    MethodNotAllowed {
        /// Value of `Allow`: sorted, separated by `, `.
        allow: String,
    },
    /// `auto_options` answers.
    Options {
        /// Value of `Allow`: sorted, separated by `, `.
        allow: String,
    },
    /// Nowhere.
    NotFound,
    /// The client's path cannot be used: the text of the 400.
    BadParam(String),
}

impl<T> Router<T> {
    /// Makes the table.
    ///
    /// # Errors
    ///
    /// All routes that cannot stand beside an earlier one.
    pub(crate) fn build(routes: Vec<Route<T>>, options: Options) -> Result<Self, Vec<Conflict>> {
        let mut trees: Vec<(Method, Tree<T>)> = Vec::new();
        let mut conflicts = Vec::new();
        let mut catch_all: Option<CatchAll<T>> = None;
        for route in routes {
            if is_catch_all(&route.path) {
                let added = CatchAll::add(&mut catch_all, route);
                conflicts.extend(added.err().map(|conflict| *conflict));
                continue;
            }
            let added = match trees.iter_mut().find(|(m, _)| *m == route.method) {
                Some((_, tree)) => tree.insert(route),
                None => {
                    let mut tree = Tree::default();
                    let method = route.method.clone();
                    let added = tree.insert(route);
                    trees.push((method, tree));
                    added
                }
            };
            conflicts.extend(added.err().map(|conflict| *conflict));
        }
        // `Allow` is sorted because the trees are.
        trees.sort_by(|(a, _), (b, _)| a.as_str().cmp(b.as_str()));
        if conflicts.is_empty() {
            Ok(Self {
                trees,
                catch_all,
                options,
            })
        } else {
            Err(conflicts)
        }
    }

    /// Finds the way of one request.
    ///
    /// `raw_path` is as the client wrote it, without the query; `query` has no
    /// `?`. `forwarded_prefix` is the client's `X-Forwarded-Prefix`: what a
    /// proxy in front has cut off the path, put back in redirects.
    pub(crate) fn route(
        &self,
        method: &Method,
        raw_path: &str,
        query: Option<&str>,
        forwarded_prefix: Option<&str>,
    ) -> Outcome<'_, T> {
        if !raw_path.starts_with('/') {
            return Outcome::NotFound;
        }
        let mut path = match path::decode(raw_path) {
            Ok(path) => path,
            Err(error) => return Outcome::BadParam(error.to_string()),
        };
        if self.options.remove_extra_slash {
            path = path::clean(&path).into();
        }
        let own = self.trees.iter().find(|(m, _)| m == method);
        if let Some(found) = own.and_then(|(_, tree)| tree.find(&path)) {
            return self.found(found);
        }
        self.miss(method, &path)
            .unwrap_or_else(|fixed| Outcome::Redirect {
                status: match *method {
                    Method::GET | Method::HEAD => StatusCode::MOVED_PERMANENTLY,
                    _ => StatusCode::TEMPORARY_REDIRECT,
                },
                location: path::location(forwarded_prefix, &fixed, query),
            })
    }

    fn found<'r>(&self, found: Found<'r, '_, T>) -> Outcome<'r, T> {
        if self.options.check_params
            && let Err(error) = found.values.iter().try_for_each(|v| path::check_param(v))
        {
            return Outcome::BadParam(error.to_string());
        }
        let values = found.values.into_iter().map(str::to_owned);
        Outcome::Found {
            value: found.value,
            params: found.names.iter().cloned().zip(values).collect(),
        }
    }

    /// `Err` is the path to redirect to.
    fn miss(&self, method: &Method, path: &str) -> Result<Outcome<'_, T>, String> {
        let mut methods: Vec<&str> = self
            .trees
            .iter()
            .filter(|(_, tree)| tree.find(path).is_some())
            .map(|(method, _)| method.as_str())
            .collect();
        let served = !methods.is_empty();
        if served && self.answers_options(method) {
            return Ok(Outcome::Options {
                allow: methods.join(", "),
            });
        }
        if let Some(fixed) = self.other_spelling(method, path) {
            return Err(fixed);
        }
        if let Some(CatchAll { value, names, .. }) = &self.catch_all {
            let values = vec![path.strip_prefix('/').unwrap_or(path)];
            return Ok(self.found(Found {
                value,
                names,
                values,
            }));
        }
        if !served || !self.options.handle_method_not_allowed {
            return Ok(Outcome::NotFound);
        }
        if self.options.auto_options {
            methods.push(Method::OPTIONS.as_str());
            methods.sort_unstable();
            // An endpoint may have it, too.
            methods.dedup();
        }
        Ok(Outcome::MethodNotAllowed {
            allow: methods.join(", "),
        })
    }

    fn answers_options(&self, method: &Method) -> bool {
        self.options.auto_options && *method == Method::OPTIONS
    }

    /// The spelling of `path` under which `method` is served, if there is one.
    fn other_spelling(&self, method: &Method, path: &str) -> Option<String> {
        if *method == Method::CONNECT {
            return None;
        }
        let any = self.answers_options(method);
        let trees = || self.trees.iter().filter(move |(m, _)| any || m == method);

        let slash = self.options.redirect_trailing_slash;
        let toggled = path::toggle_slash(path).filter(|_| slash);
        if let Some(toggled) = toggled
            && trees().any(|(_, tree)| tree.find(&toggled).is_some())
        {
            return Some(toggled);
        }
        if !self.options.redirect_fixed_path {
            return None;
        }
        let clean = path::clean(path);
        let toggled = path::toggle_slash(&clean).filter(|_| slash);
        let fixed = std::iter::once(clean)
            .chain(toggled)
            .find_map(|path| trees().find_map(|(_, tree)| tree.find_folded(&path)));
        // A redirect to the same path would go on for ever.
        fixed.filter(|fixed| fixed != path)
    }
}

impl<T> CatchAll<T> {
    fn add(place: &mut Option<Self>, route: Route<T>) -> Result<(), Box<Conflict>> {
        let origin = Origin::of(&route);
        if let Some(other) = place {
            let kind = ConflictKind::Duplicate;
            return Err(origin.conflicts_with(&other.origin, &route.method, kind));
        }
        *place = Some(Self {
            value: route.value,
            names: [Arc::from(REST)],
            origin,
        });
        Ok(())
    }
}

/// `/__catchall`, a wildcard without anything in front.
fn is_catch_all(path: &PathPattern) -> bool {
    path.wildcard && path.segments.is_empty()
}

#[cfg(test)]
mod tests;
