package specs

import (
	"strings"
	"unicode"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"keymaker/reconcile"
)

const matchAttribute = "match"

// ownKind describes the own block.
var ownKind = reconcile.Kind{
	Name: "own",
	Doc:  "Says that every live object of the kind whose name matches belongs to this spec. What matches and is not declared is reported as extra, and deleted with --prune.",
	Fields: []reconcile.Field{{
		Name: matchAttribute, Type: reconcile.String, Required: true, Doc: "The live names, with * for any characters and ? for one.",
	}},
	Blocks: []reconcile.BlockKind{{Kind: reconcile.Kind{
		Name: "lifecycle", Doc: "What must not happen to what matches.",
		Fields: []reconcile.Field{{Name: "prevent_destroy", Type: reconcile.Bool, Default: "false", Doc: "A plan that would prune any of it is an error."}},
	}}},
}

func (l *loader) collectOwn(b *hclsyntax.Block) {
	if !l.labels(b, 2, `own "SYSTEM" "KIND" {}`) {
		return
	}
	if l.site.mod != l.root() {
		l.fail(b.DefRange(), "own inside a module", "A module shares its systems with the rest of the spec, so that only the spec itself can say what belongs to it. Move this block there.")
		return
	}
	_, kind, ok := l.labelKind(b)
	switch {
	case !ok:
	case !kind.Ownable:
		l.fail(b.LabelRanges[1], "Kind cannot be owned", "Objects of kind %s cannot be owned by a pattern. Declare each, or take one away with a removed block.", b.Labels[1])
	default:
		l.owns = append(l.owns, b)
	}
}

// listOwns decodes the own blocks, in source order.
func (l *loader) listOwns() []reconcile.Own {
	type same struct{ instance, kind, match string }
	first := make(map[same]*hclsyntax.Block)
	var owns []reconcile.Own
	for _, b := range l.owns {
		own, ok := l.decodeOwn(b)
		if !ok {
			continue
		}
		id := same{own.Instance(), own.Kind, own.Match}
		if f := first[id]; f != nil {
			l.fail(b.DefRange(), "Duplicate block", "What matches %q is already owned at %s. Take one of the blocks away.", own.Match, place(f.DefRange()))
			continue
		}
		first[id] = b
		owns = append(owns, own)
	}
	return owns
}

func (l *loader) decodeOwn(b *hclsyntax.Block) (reconcile.Own, bool) {
	defer l.visit(site{mod: l.root()})()
	before := l.errors
	block, _ := l.decodeBody(ownKind, b, "own", nil)
	connection, _ := l.connectionOf(b, b.Labels[0])
	if l.errors > before || !block.Has(matchAttribute) {
		return reconcile.Own{}, false
	}
	match, ok := l.knownText(block.Fields[matchAttribute], "which objects belong to the spec")
	if !ok {
		return reconcile.Own{}, false
	}
	if strings.Trim(match, "*?") == "" {
		l.fail(block.At(matchAttribute), "Bad match", "%q would own every %s there is, those of others too. Begin or end it with what the names have in common: match = \"svc_*\".", match, b.Labels[1])
		return reconcile.Own{}, false
	}
	own := reconcile.Own{System: b.Labels[0], Connection: connection, Kind: b.Labels[1], Match: match, Range: block.Range}
	for _, inner := range block.Inner("lifecycle") {
		flag, _ := inner.Value("prevent_destroy").(reconcile.Flag)
		own.Lifecycle.PreventDestroy = bool(flag)
	}
	return own, true
}

// knownText gives a text that has to be known from the spec, what for is said in messages. Control characters are refused: no system has names with them.
func (l *loader) knownText(a reconcile.Argument, what string) (string, bool) {
	text, ok := a.Value.(reconcile.Text)
	if !ok {
		l.fail(a.Range, "Value not known yet", "This is only known after apply, and %s has to be known before. Write the text out.", what)
		return "", false
	}
	if strings.ContainsFunc(string(text), unicode.IsControl) {
		l.fail(a.Range, "Bad character", "There is a control character in this text, which no name has. Take it out.")
		return "", false
	}
	return string(text), true
}
