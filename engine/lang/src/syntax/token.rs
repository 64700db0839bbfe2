//! Tokens of a source text.

/// A token: its kind and where it stands, in bytes from the start of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Token {
    /// Returns the byte range.
    pub(crate) fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }

    /// Returns its text; empty where the token does not fit the source.
    pub(crate) fn text(self, source: &str) -> &str {
        source.get(self.range()).unwrap_or_default()
    }
}

/// What a token is. The division is that of the HCL specification: a heredoc is a token per line, a
/// comment to the end of the line has its newline in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name.
    Ident,
    /// A number.
    Number,
    /// The quote that opens a template.
    OpenQuote,
    /// Literal text within quotes.
    Quoted,
    /// The quote that closes a template.
    CloseQuote,
    /// A raw newline within quotes, which is an error; it also ends the quoted text.
    QuotedNewline,
    /// `<<EOT` or `<<-EOT` with its newline.
    OpenHeredoc,
    /// Literal text within a heredoc.
    HeredocText,
    /// The closing marker with the blanks before it.
    CloseHeredoc,
    /// `${`, `${~`
    Interpolation,
    /// `%{`, `%{~`
    Control,
    /// `}` or `~}` that ends `${` or `%{`.
    SequenceEnd,
    /// A comment.
    Comment,
    /// The end of a line.
    Newline,
    /// `{`
    OpenBrace,
    /// `}`
    CloseBrace,
    /// `[`
    OpenBracket,
    /// `]`
    CloseBracket,
    /// `(`
    OpenParen,
    /// `)`
    CloseParen,
    /// `=`
    Equal,
    /// `=>`
    FatArrow,
    /// `+ - * / %`, comparisons, `&&`, `||`
    Operator,
    /// `!`
    Bang,
    /// `-`
    Minus,
    /// `*`
    Star,
    /// `.`
    Dot,
    /// `...`
    Ellipsis,
    /// `,`
    Comma,
    /// `:`
    Colon,
    /// `::`
    DoubleColon,
    /// `?`
    Question,
    /// A character that the language does not use.
    Invalid,
}

impl Kind {
    /// Returns whether it opens a pair of brackets, a template or a sequence in one.
    pub(crate) fn opens(self) -> bool {
        matches!(
            self,
            Self::OpenBrace
                | Self::OpenBracket
                | Self::OpenParen
                | Self::OpenQuote
                | Self::OpenHeredoc
                | Self::Interpolation
                | Self::Control
        )
    }

    /// Returns the kind that closes what this one opens.
    pub(crate) fn closer(self) -> Option<Self> {
        Some(match self {
            Self::OpenBrace => Self::CloseBrace,
            Self::OpenBracket => Self::CloseBracket,
            Self::OpenParen => Self::CloseParen,
            Self::OpenQuote => Self::CloseQuote,
            Self::OpenHeredoc => Self::CloseHeredoc,
            Self::Interpolation | Self::Control => Self::SequenceEnd,
            _ => return None,
        })
    }

    /// Returns whether it closes a pair.
    pub(crate) fn closes(self) -> bool {
        matches!(
            self,
            Self::CloseBrace
                | Self::CloseBracket
                | Self::CloseParen
                | Self::CloseQuote
                | Self::CloseHeredoc
                | Self::SequenceEnd
        )
    }
}
