//! The part of the second look that is about expressions.

use super::super::token::Kind;
use super::grammar::{Checker, Complaint};

type Checked = Result<(), Complaint>;

impl Checker<'_> {
    /// Runs `inner` between brackets, where newlines mean something or don't.
    fn within(&mut self, newlines: bool, inner: impl FnOnce(&mut Self) -> Checked) -> Checked {
        self.newlines.push(newlines);
        let result = inner(self);
        self.newlines.pop();
        result
    }

    pub(super) fn expression(&mut self) -> Checked {
        self.operation()?;
        if !self.eat(Kind::Question) {
            return Ok(());
        }
        self.expression()?;
        if !self.eat(Kind::Colon) {
            return self.complain(
                "Missing false expression in conditional",
                "The conditional operator (...?...:...) requires a false expression, delimited by a colon.",
            );
        }
        self.expression()
    }

    fn operation(&mut self) -> Checked {
        self.term()?;
        while matches!(self.kind(), Some(Kind::Operator | Kind::Minus | Kind::Star)) {
            self.next();
            self.term()?;
        }
        Ok(())
    }

    fn term(&mut self) -> Checked {
        match self.kind() {
            Some(Kind::Minus | Kind::Bang) => {
                self.next();
                return self.term();
            }
            Some(Kind::Number) => {
                self.next();
            }
            Some(Kind::Ident) => self.name()?,
            Some(Kind::OpenQuote) => self.template(Kind::CloseQuote)?,
            Some(Kind::OpenHeredoc) => self.template(Kind::CloseHeredoc)?,
            Some(Kind::OpenParen) => self.parenthesis()?,
            Some(Kind::OpenBracket) => self.tuple()?,
            Some(Kind::OpenBrace) => self.object()?,
            None => {
                return self.complain(
                    "Missing expression",
                    "Expected the start of an expression, but found the end of the file.",
                );
            }
            Some(_) => {
                return self.complain(
                    "Invalid expression",
                    "Expected the start of an expression, but found an invalid expression token.",
                );
            }
        }
        self.steps()
    }

    fn name(&mut self) -> Checked {
        self.next();
        while self.eat(Kind::DoubleColon) {
            if !self.eat(Kind::Ident) {
                return self.complain(
                    "Missing function name",
                    "Function scope resolution symbol :: must be followed by a function name.",
                );
            }
        }
        if self.kind() == Some(Kind::OpenParen) { self.call() } else { Ok(()) }
    }

    fn call(&mut self) -> Checked {
        self.within(false, |this| {
            this.next();
            while !this.eat(Kind::CloseParen) {
                this.expression()?;
                this.eat(Kind::Ellipsis);
                if !this.eat(Kind::Comma) && this.kind() != Some(Kind::CloseParen) {
                    return this.complain(
                        "Missing argument separator",
                        "A comma is required to separate each function argument from the next.",
                    );
                }
            }
            Ok(())
        })
    }

    fn parenthesis(&mut self) -> Checked {
        self.within(false, |this| {
            this.next();
            this.expression()?;
            if this.eat(Kind::CloseParen) {
                return Ok(());
            }
            this.complain(
                "Unbalanced parentheses",
                "Expected a closing parenthesis to terminate the expression.",
            )
        })
    }

    fn tuple(&mut self) -> Checked {
        self.within(false, |this| {
            this.next();
            if this.is_for() {
                return this.for_expression(Kind::CloseBracket);
            }
            while !this.eat(Kind::CloseBracket) {
                this.expression()?;
                if !this.eat(Kind::Comma) && this.kind() != Some(Kind::CloseBracket) {
                    return this.complain(
                        "Missing item separator",
                        "Expected a comma to mark the beginning of the next item.",
                    );
                }
            }
            Ok(())
        })
    }

    fn object(&mut self) -> Checked {
        self.within(true, |this| {
            this.next();
            while this.eat(Kind::Newline) {}
            if this.is_for() {
                return this.within(false, |this| this.for_expression(Kind::CloseBrace));
            }
            loop {
                while this.eat(Kind::Newline) {}
                if this.eat(Kind::CloseBrace) {
                    return Ok(());
                }
                this.entry()?;
            }
        })
    }

    fn entry(&mut self) -> Checked {
        self.expression()?;
        match self.kind() {
            Some(Kind::Equal | Kind::Colon) => {
                self.next();
            }
            Some(Kind::Newline | Kind::Comma) => {
                return self.complain(
                    "Missing attribute value",
                    "Expected an attribute value, introduced by an equals sign (\"=\").",
                );
            }
            _ => {
                return self.complain(
                    "Missing key/value separator",
                    "Expected an equals sign (\"=\") to mark the beginning of the attribute value.",
                );
            }
        }
        self.expression()?;
        match self.kind() {
            Some(Kind::Newline | Kind::Comma) => {
                self.next();
                Ok(())
            }
            Some(Kind::CloseBrace) => Ok(()),
            _ => self.complain(
                "Missing attribute separator",
                "Expected a newline or comma to mark the beginning of the next attribute.",
            ),
        }
    }

    fn is_for(&mut self) -> bool {
        self.peek().is_some_and(|token| token.kind == Kind::Ident && token.text(self.text) == "for")
    }

    fn for_expression(&mut self, closer: Kind) -> Checked {
        let summary = "Invalid 'for' expression";
        self.next();
        if !self.eat(Kind::Ident) {
            return self.complain(summary, "For expression requires a variable name after 'for'.");
        }
        if self.eat(Kind::Comma) && !self.eat(Kind::Ident) {
            return self.complain(
                summary,
                "For expression requires a value variable name after the comma.",
            );
        }
        if !self.word("in") {
            return self.complain(
                summary,
                "For expression requires the 'in' keyword after its name declarations.",
            );
        }
        self.expression()?;
        if !self.eat(Kind::Colon) {
            return self.complain(
                summary,
                "For expression requires a colon after the collection expression.",
            );
        }
        self.expression()?;
        if self.eat(Kind::FatArrow) {
            self.expression()?;
            self.eat(Kind::Ellipsis);
        }
        if self.word("if") {
            self.expression()?;
        }
        if self.eat(closer) {
            return Ok(());
        }
        self.complain(summary, "Extra characters after the end of the 'for' expression.")
    }

    fn word(&mut self, word: &str) -> bool {
        let text = self.text;
        let fits =
            self.peek().is_some_and(|token| token.kind == Kind::Ident && token.text(text) == word);
        if fits {
            self.next();
        }
        fits
    }

    fn steps(&mut self) -> Checked {
        loop {
            match self.kind() {
                Some(Kind::Dot) => {
                    self.next();
                    if !matches!(self.kind(), Some(Kind::Ident | Kind::Number | Kind::Star)) {
                        return self.complain(
                            "Invalid attribute name",
                            "An attribute name is required after a dot.",
                        );
                    }
                    self.next();
                }
                Some(Kind::OpenBracket) => self.within(false, |this| {
                    this.next();
                    if !this.eat(Kind::Star) {
                        this.expression()?;
                    }
                    if this.eat(Kind::CloseBracket) {
                        return Ok(());
                    }
                    this.complain(
                        "Missing close bracket on index",
                        "The index operator must end with a closing bracket (\"]\").",
                    )
                })?,
                _ => return Ok(()),
            }
        }
    }

    fn template(&mut self, closer: Kind) -> Checked {
        self.next();
        loop {
            match self.kind() {
                Some(Kind::Quoted) => self.quoted()?,
                Some(Kind::Interpolation) => self.within(false, |this| {
                    this.next();
                    this.expression()?;
                    if this.eat(Kind::SequenceEnd) {
                        return Ok(());
                    }
                    this.complain(
                        "Extra characters after interpolation expression",
                        "Expected a closing brace to end the interpolation expression, but found extra characters. \
                         Where the sequence belongs to another language, such as a shell script, start it with \
                         \"$${\" instead of \"${\".",
                    )
                })?,
                Some(Kind::Control) => self.within(false, Self::directive)?,
                Some(kind) if kind == closer => {
                    self.next();
                    return Ok(());
                }
                None => return self.complain("Unterminated template string", "No closing marker was found for the string."),
                Some(_) => {
                    self.next();
                }
            }
        }
    }

    /// `%{ if }`, `%{ for }` and their ends; whether they pair up is not looked at.
    fn directive(&mut self) -> Checked {
        self.next();
        if self.word("if") {
            self.expression()?;
        } else if self.word("for") {
            let named = self.eat(Kind::Ident) && (!self.eat(Kind::Comma) || self.eat(Kind::Ident));
            if !named || !self.word("in") {
                return self.complain(
                    "Invalid 'for' directive",
                    "A 'for' directive is written %{ for x in list }.",
                );
            }
            self.expression()?;
        } else if !["else", "endif", "endfor"].into_iter().any(|word| self.word(word)) {
            return self.complain(
                "Invalid template directive",
                "A template directive begins with one of these words: if, else, endif, for, endfor.",
            );
        }
        if self.eat(Kind::SequenceEnd) {
            return Ok(());
        }
        self.complain(
            "Extra characters in template directive",
            "Expected a closing brace to end the directive.",
        )
    }
}
