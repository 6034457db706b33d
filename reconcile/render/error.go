package render

import (
	"errors"
	"io"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"keymaker/reconcile"
)

// Place finds where a spec declares an object, or one of its attributes when field is not "". The zero range means that nobody knows. A nil Place knows nothing.
type Place func(addr reconcile.Addr, field string) hcl.Range

func (p Place) of(addr reconcile.Addr, field string) hcl.Range {
	if p == nil || addr.IsZero() {
		return hcl.Range{}
	}
	if r := p(addr, field); r.Filename != "" || field == "" {
		return r
	}
	return p(addr, "")
}

// Error writes an operator's error; its first line starts with "Error: ". Joined errors are told one after the other, diagnostics as [Diagnostics] does,
// and a server's refusal with its own words.
func Error(w io.Writer, err error, s Style, files map[string]*hcl.File, place Place) error {
	pg := newPage(w, s)
	pg.err(err, files, place)
	return pg.flush()
}

// Failure writes why a step failed, or why its end is unknown, in full: the address, its place in the spec, the call, the server's answer and what to do. It
// writes nothing for a result without an error.
func Failure(w io.Writer, res reconcile.Result, s Style, files map[string]*hcl.File, place Place) error {
	if res.Err == nil {
		return nil
	}
	pg := newPage(w, s)
	var refusal *reconcile.Refusal
	if errors.As(res.Err, &refusal) {
		pg.refusal(title(res.Addr.Instance())+" refused "+res.Addr.String(), refusal, place.of(res.Addr, refusal.Field), files)
		return pg.flush()
	}
	pg.headline(hcl.DiagError, Escape(headOf(res)))
	pg.snippet(place.of(res.Addr, ""), files, false)
	pg.gap()
	for _, l := range lines(res.Err.Error()) {
		pg.line(l)
	}
	if res.Call != "" {
		head, rest, _ := strings.Cut(res.Call, "\n")
		pg.line("The call was ", Escape(head))
		for rest != "" {
			head, rest, _ = strings.Cut(rest, "\n")
			pg.line("  ", Escape(head))
		}
	}
	return pg.flush()
}

func headOf(res reconcile.Result) string {
	if res.Status == reconcile.StatusUnknown {
		return "Nobody knows whether " + res.Addr.String() + " was " + Past(res.Action)
	}
	return res.Addr.String() + " was not " + Past(res.Action)
}

func (pg *page) err(err error, files map[string]*hcl.File, place Place) {
	var diags hcl.Diagnostics
	var diag *hcl.Diagnostic
	var refusal *reconcile.Refusal
	var missing *reconcile.MissingReference
	joined, isJoin := err.(interface{ Unwrap() []error })
	switch {
	case isJoin && plainJoin(err, joined.Unwrap()):
		for _, e := range joined.Unwrap() {
			pg.err(e, files, place)
		}
	case errors.As(err, &diags):
		for _, d := range diags {
			pg.gap()
			pg.diagnostic(d, files)
		}
	case errors.As(err, &diag):
		pg.gap()
		pg.diagnostic(diag, files)
	case errors.As(err, &refusal):
		pg.refusal(refusedHead(err, refusal), refusal, hcl.Range{}, files)
	case errors.As(err, &missing):
		pg.gap()
		pg.headline(hcl.DiagError, Escape(err.Error()))
		pg.snippet(place.of(missing.Addr, ""), files, false)
	default:
		pg.gap()
		ls := lines(err.Error())
		pg.headline(hcl.DiagError, ls[0])
		for _, l := range ls[1:] {
			pg.line(l)
		}
	}
}

// refusedHead says what was refused, in the words that the error has before the refusal's own.
func refusedHead(err error, r *reconcile.Refusal) string {
	before, _, _ := strings.Cut(err.Error(), r.Error())
	before = strings.TrimSuffix(strings.TrimSpace(before), ":")
	if before == "" {
		return "A server refused the call"
	}
	return before + ": refused"
}

// plainJoin says whether an error is what errors.Join makes: its parts' texts, a line each, and nothing of its own.
func plainJoin(err error, parts []error) bool {
	texts := make([]string, len(parts))
	for i, p := range parts {
		texts[i] = p.Error()
	}
	return err.Error() == strings.Join(texts, "\n")
}

// refusal writes a server's no: the headline, the place in the spec, the call and the answer, its causes, and what helps.
func (pg *page) refusal(head string, r *reconcile.Refusal, at hcl.Range, files map[string]*hcl.File) {
	pg.gap()
	pg.headline(hcl.DiagError, Escape(head))
	pg.snippet(at, files, false)
	pg.gap()
	pg.line(Escape(r.Call), " answered ", Escape(r.Answer))
	for _, c := range r.Causes {
		pg.line("  ", Escape(c))
	}
	last := ""
	if r.ID != "" {
		last = "Request id " + Escape(r.ID) + "."
	}
	if r.Remedy != "" {
		last = strings.TrimSpace(last + "  " + r.Remedy)
	}
	pg.prose(last)
}
