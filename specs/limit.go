package specs

import (
	"errors"
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// Limits. HCL's parser and evaluator recurse, and Go cannot recover from a stack that is used up, so that depth is bounded before they see a file.
// What is evaluated is bounded so that a small spec cannot make an immense value. All are far above what a spec of people needs.
const (
	maxSource   = 16 << 20  // bytes of all files of a spec
	maxWords    = 1_000_000 // tokens of all files
	maxNesting  = 100       // brackets, braces and templates inside each other
	maxOperator = 500       // operators in one expression at one level
	maxChain    = 500       // values that are defined through each other
	maxText     = 4 << 20   // bytes of text in one value
	maxMembers  = 1 << 18   // members of one value, at all levels
	maxEffort   = 8 << 20   // evaluated loop bodies and template bytes of a whole spec
	maxObjects  = 50_000    // objects and modules

	effortPerObject = 512 // what each object adds to maxEffort
)

var errTooLarge = fmt.Errorf("larger than %d MB together with the files read before it, which no spec needs", maxSource>>20)

// words estimates the number of tokens without making any: a run of letters, digits and _ is one, every other visible byte is one.
func words(src []byte) int {
	n, inWord := 0, false
	for _, b := range src {
		word := b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == '_' || b >= 0x80
		if word && !inWord || !word && b != ' ' && b != '\t' && b != '\r' {
			n++
		}
		inWord = word
	}
	return n
}

// tooMuch refuses a source that is too large or nested too deeply to be parsed safely.
func tooMuch(src []byte, name string, words int) *hcl.Diagnostic {
	if words > maxWords {
		start := hcl.Range{Filename: name, Start: hcl.InitialPos, End: hcl.InitialPos}
		return problem(start, "Spec too large", "The files have more than a million words up to here. Split the spec into several folders.")
	}
	tokens, _ := hclsyntax.LexConfig(src, name, hcl.InitialPos) // the parser reports what cannot be lexed
	return tooDeep(tokens)
}

// tooDeep refuses tokens that nest too deeply or chain too many operators.
func tooDeep(tokens hclsyntax.Tokens) *hcl.Diagnostic {
	levels := []level{{newlines: true}}
	for _, t := range tokens {
		top := len(levels) - 1
		switch t.Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl,
			hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc:
			levels[top].operators++ // a[0][0][0] nests too
			levels = append(levels, level{newlines: t.Type == hclsyntax.TokenOBrace})
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenTemplateSeqEnd, hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc:
			levels = levels[:max(1, top)]
		case hclsyntax.TokenComma:
			levels[top].operators = 0
		case hclsyntax.TokenNewline:
			if levels[top].newlines {
				levels[top].operators = 0
			}
		case hclsyntax.TokenQuotedLit, hclsyntax.TokenStringLit, hclsyntax.TokenIdent, hclsyntax.TokenNumberLit, hclsyntax.TokenComment, hclsyntax.TokenEqual:
		default:
			levels[top].operators++
		}
		top = len(levels) - 1
		if top > maxNesting || levels[top].operators > maxOperator {
			return problem(t.Range, "Expression too deep", "This is nested more than %d levels deep, or has more than %d operators in a row. Give parts of it a name with locals.", maxNesting, maxOperator)
		}
	}
	return nil
}

// level is what stands between one pair of brackets.
type level struct {
	newlines  bool // a newline ends an expression here
	operators int  // since the last comma or such a newline
}

// errTooBig says that a value is over the limits.
var errTooBig = errors.New("value too large")

// size counts the bytes of text and the members of a value; it stops with errTooBig at the limits.
func size(v cty.Value) (int, error) {
	text, members := 0, 0
	var over func(v cty.Value) bool
	over = func(v cty.Value) bool {
		members++
		v, _ = v.Unmark()
		if v.Type() == cty.String && v.IsKnown() && !v.IsNull() {
			text += len(v.AsString())
		}
		if text > maxText || members > maxMembers {
			return true
		}
		if v.Type().IsObjectType() && v.Type().HasAttribute(self) { // what a reference exports counts for nothing
			return false
		}
		for m := range valuesIn(v) {
			if over(m) {
				return true
			}
		}
		return false
	}
	if over(v) {
		return text + members, errTooBig
	}
	return text + members, nil
}
