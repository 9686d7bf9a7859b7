//! Tokens into templates. Follows Go's `text/template/parse`, error texts
//! included.

mod pipeline;
mod tokens;

use std::{collections::HashMap, rc::Rc};

use super::{
    lex::{self, Keyword, Token},
    literal,
    node::{Branch, Invocation, Node, Source, Templates, Tree},
    print::quoted,
};

/// How deep blocks and parentheses may be nested, together. Go allows 10,000
/// parentheses; configurations need about ten, and the limit keeps recursion
/// here and in the evaluator within any stack.
pub(super) const MAX_NESTING: usize = 100;

/// Why a text is not a template.
#[derive(Debug)]
pub(super) struct SyntaxError {
    /// Line in the text, from 1.
    pub(super) line: usize,
    pub(super) message: String,
    /// The function that does not exist, if that is the reason.
    pub(super) unknown_function: Option<String>,
}

impl Templates {
    /// Without any template.
    pub(super) fn new() -> Self {
        Self {
            sources: Vec::new(),
            trees: HashMap::new(),
        }
    }

    /// Adds the template `name` with the text `text`, and those it defines. Of
    /// several with the same name, the later one counts, unless it is empty.
    pub(super) fn add(
        &mut self,
        name: &str,
        text: String,
        is_function: &dyn Fn(&str) -> bool,
    ) -> Result<(), SyntaxError> {
        let name: Rc<str> = name.into();
        let source = self.sources.len();
        let mut parser = Parser {
            text: &text,
            source,
            tokens: lex::tokens(&text),
            next: 0,
            furthest: 0,
            variables: Vec::new(),
            ranges: 0,
            nesting: 0,
            action_line: 0,
            trees: Vec::new(),
            is_function,
        };
        parser.file(&name)?;
        let trees = std::mem::take(&mut parser.trees);
        for tree in trees {
            let replaces = self
                .trees
                .get(&tree.name)
                .is_none_or(|old| !is_empty(&tree.root, &text) || old.root.is_empty());
            if replaces {
                self.trees.insert(tree.name.clone(), Rc::new(tree));
            }
        }
        self.sources.push(Source { name, text });
        Ok(())
    }
}

/// Nothing but space.
fn is_empty(nodes: &[Node], text: &str) -> bool {
    nodes.iter().all(|node| match node {
        Node::Text { start, end } => text.get(*start..*end).unwrap_or("").trim().is_empty(),
        _ => false,
    })
}

struct Parser<'a> {
    text: &'a str,
    source: usize,
    tokens: Vec<Token>,
    /// Index of the next token.
    next: usize,
    /// Index of the last token that was looked at, for the line of errors.
    furthest: usize,
    /// Names that are declared here.
    variables: Vec<Rc<str>>,
    ranges: usize,
    nesting: usize,
    /// Line of the action's left delimiter; 0 outside actions.
    action_line: usize,
    trees: Vec<Tree>,
    is_function: &'a dyn Fn(&str) -> bool,
}

/// How a list of nodes ends.
enum Close {
    End,
    Else,
    /// `{{else if` or `{{else with`, with the second word still to come.
    ElseControl(Keyword),
}

/// A node, or what ends the list.
enum Item {
    Node(Node),
    End(Close),
}

type Parsed<T> = Result<T, SyntaxError>;

impl Parser<'_> {
    fn file(&mut self, name: &Rc<str>) -> Parsed<()> {
        self.variables = vec!["$".into()];
        let mut root = Vec::new();
        while self.peek().kind != lex::Kind::Eof {
            if self.peek().kind == lex::Kind::LeftDelim {
                let before = self.next;
                self.take();
                if self.take_word().kind == lex::Kind::Keyword(Keyword::Define) {
                    self.definition()?;
                    continue;
                }
                self.next = before;
            }
            match self.text_or_action()? {
                Item::Node(node) => root.push(node),
                Item::End(end) => return Err(self.error(format!("unexpected {}", end.shown()))),
            }
        }
        self.add(name.clone(), root)
    }

    fn definition(&mut self) -> Parsed<()> {
        let context = "define clause";
        let name = self.template_name(context)?;
        let right = self.take_word();
        if right.kind != lex::Kind::RightDelim {
            return Err(self.unexpected(&right, context));
        }
        self.own_template(name, context)
    }

    /// The body of a `define` or `block`, which sees no variables from around.
    fn own_template(&mut self, name: Rc<str>, context: &str) -> Parsed<()> {
        let outer = std::mem::replace(&mut self.variables, vec!["$".into()]);
        let ranges = std::mem::take(&mut self.ranges);
        let (root, end) = self.list()?;
        if !matches!(end, Close::End) {
            return Err(self.error(format!("unexpected {} in {context}", end.shown())));
        }
        self.variables = outer;
        self.ranges = ranges;
        self.add(name, root)
    }

    fn add(&mut self, name: Rc<str>, root: Vec<Node>) -> Parsed<()> {
        let source = self.source;
        let text = self.text;
        let earlier = self.trees.iter_mut().find(|tree| tree.name == name);
        match earlier {
            Some(tree) if is_empty(&tree.root, text) => tree.root = root,
            Some(_) if is_empty(&root, text) => {}
            Some(_) => {
                let name = quoted(&name);
                return Err(self.error(format!("template: multiple definition of template {name}")));
            }
            None => self.trees.push(Tree { name, source, root }),
        }
        Ok(())
    }

    /// Nodes up to `{{end}}` or `{{else}}`.
    fn list(&mut self) -> Parsed<(Vec<Node>, Close)> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            return Err(self.error(format!(
                "blocks are nested deeper than {MAX_NESTING} levels"
            )));
        }
        let mut nodes = Vec::new();
        while self.peek_word().kind != lex::Kind::Eof {
            match self.text_or_action()? {
                Item::Node(node) => nodes.push(node),
                Item::End(end) => {
                    self.nesting -= 1;
                    return Ok((nodes, end));
                }
            }
        }
        Err(self.error("unexpected EOF".to_owned()))
    }

    fn text_or_action(&mut self) -> Parsed<Item> {
        let token = self.take_word();
        match token.kind {
            lex::Kind::Text => Ok(Item::Node(Node::Text {
                start: token.start,
                end: token.end,
            })),
            lex::Kind::LeftDelim => {
                self.action_line = token.line;
                let item = self.action();
                self.action_line = 0;
                item
            }
            _ => Err(self.unexpected(&token, "input")),
        }
    }

    fn action(&mut self) -> Parsed<Item> {
        let before = self.next;
        let token = self.take_word();
        let node = match token.kind {
            lex::Kind::Keyword(Keyword::Block) => self.block()?,
            lex::Kind::Keyword(Keyword::Break) => self.jump("{{break}}", Node::Break)?,
            lex::Kind::Keyword(Keyword::Continue) => self.jump("{{continue}}", Node::Continue)?,
            lex::Kind::Keyword(Keyword::Else) => return Ok(Item::End(self.otherwise()?)),
            lex::Kind::Keyword(Keyword::End) => {
                self.right_delimiter("end")?;
                return Ok(Item::End(Close::End));
            }
            lex::Kind::Keyword(Keyword::If) => Node::If(self.branch("if")?),
            lex::Kind::Keyword(Keyword::Range) => Node::Range(self.branch("range")?),
            lex::Kind::Keyword(Keyword::With) => Node::With(self.branch("with")?),
            lex::Kind::Keyword(Keyword::Template) => self.invocation()?,
            _ => {
                self.next = before;
                Node::Action(self.pipeline("command", &lex::Kind::RightDelim)?)
            }
        };
        Ok(Item::Node(node))
    }

    fn right_delimiter(&mut self, context: &str) -> Parsed<()> {
        let token = self.take_word();
        if token.kind == lex::Kind::RightDelim {
            return Ok(());
        }
        Err(self.unexpected(&token, context))
    }

    fn jump(&mut self, shown: &str, node: Node) -> Parsed<Node> {
        self.right_delimiter(shown)?;
        if self.ranges == 0 {
            return Err(self.error(format!("{shown} outside {{{{range}}}}")));
        }
        Ok(node)
    }

    fn otherwise(&mut self) -> Parsed<Close> {
        if let lex::Kind::Keyword(word @ (Keyword::If | Keyword::With)) = self.peek_word().kind {
            return Ok(Close::ElseControl(word));
        }
        self.right_delimiter("else")?;
        Ok(Close::Else)
    }

    fn branch(&mut self, context: &str) -> Parsed<Branch> {
        let known = self.variables.len();
        let pipe = self.pipeline(context, &lex::Kind::RightDelim)?;
        let in_range = usize::from(context == "range");
        self.ranges += in_range;
        let (list, end) = self.list()?;
        self.ranges -= in_range;
        let otherwise = match end {
            Close::End => None,
            Close::Else => {
                let (list, end) = self.list()?;
                if !matches!(end, Close::End) {
                    return Err(self.error(format!("expected end; found {}", end.shown())));
                }
                Some(list)
            }
            // The one `{{end}}` closes the inner block and this one.
            Close::ElseControl(word) => Some(vec![self.else_control(context, word)?]),
        };
        self.variables.truncate(known);
        Ok(Branch {
            pipe,
            list,
            otherwise,
        })
    }

    fn else_control(&mut self, context: &str, word: Keyword) -> Parsed<Node> {
        let token = self.take_word();
        let make: fn(Branch) -> Node = match (context, word) {
            ("if", Keyword::If) => Node::If,
            ("with", Keyword::With) => Node::With,
            _ => return Err(self.unexpected(&token, "else")),
        };
        self.nesting += 1;
        let branch = self.branch(context);
        self.nesting -= 1;
        branch.map(make)
    }

    fn block(&mut self) -> Parsed<Node> {
        let context = "block clause";
        let pos = self.peek_word().start;
        let name = self.template_name(context)?;
        let pipe = Some(self.pipeline(context, &lex::Kind::RightDelim)?);
        self.own_template(name.clone(), context)?;
        Ok(Node::Template(Box::new(Invocation { pos, name, pipe })))
    }

    fn invocation(&mut self) -> Parsed<Node> {
        let context = "template clause";
        let pos = self.peek_word().start;
        let name = self.template_name(context)?;
        let pipe = if self.peek_word().kind == lex::Kind::RightDelim {
            self.take_word();
            None
        } else {
            Some(self.pipeline(context, &lex::Kind::RightDelim)?)
        };
        Ok(Node::Template(Box::new(Invocation { pos, name, pipe })))
    }

    fn template_name(&mut self, context: &str) -> Parsed<Rc<str>> {
        let token = self.take_word();
        if !matches!(token.kind, lex::Kind::String | lex::Kind::RawString) {
            return Err(self.unexpected(&token, context));
        }
        let name = literal::text(self.written(&token));
        Ok(name
            .ok_or_else(|| self.error("invalid syntax".to_owned()))?
            .into())
    }
}

impl Close {
    fn shown(&self) -> &'static str {
        match self {
            Self::End => "{{end}}",
            Self::Else | Self::ElseControl(_) => "{{else}}",
        }
    }
}
