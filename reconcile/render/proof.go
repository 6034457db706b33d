package render

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/charmbracelet/lipgloss"

	"keymaker/reconcile"
)

// ProofHead writes the line above an account's hops: its address and where it logs in; target "" leaves that out.
func ProofHead(w io.Writer, a reconcile.Account, target string, s Style) error {
	pg := newPage(w, s)
	pg.proofHead(a, target)
	return pg.flush()
}

// Hop writes what one hop found: a line that starts with ok, FAIL or skip, and under a failure what was expected, what came, what is likely wrong with its place in the
// spec, and what to run next. It is complete in itself, so that hops can be shown as they end.
func Hop(w io.Writer, h reconcile.Hop, s Style) error {
	pg := newPage(w, s)
	pg.hop(h)
	return pg.flush()
}

// Row writes the row that an account's login saw, as the drivers print it, and before it what the token says where that was kept; nothing when neither was reached.
func Row(w io.Writer, p reconcile.Proof, s Style) error {
	pg := newPage(w, s)
	pg.row(p)
	return pg.flush()
}

// Verdict writes the last line of a verification, after an empty one: "Verified: N accounts, N hops." or a line that starts with "Broken: " for each account that is. No
// account at all is told as such: nothing was proven.
func Verdict(w io.Writer, v reconcile.Verification, s Style) error {
	pg := newPage(w, s)
	pg.text.WriteByte('\n')
	pg.verdict(v)
	return pg.flush()
}

// Proofs writes a whole verification: each account with its hops and its row, then the verdict.
func Proofs(w io.Writer, v reconcile.Verification, target string, s Style) error {
	for _, p := range v.Proofs {
		for _, h := range p.Hops {
			s.Connections = append(s.Connections, h.On)
		}
	}
	pg := newPage(w, s)
	for _, p := range v.Proofs {
		pg.gap()
		pg.proofHead(p.Account, target)
		for _, h := range p.Hops {
			pg.hop(h)
		}
		pg.row(p)
	}
	pg.gap()
	pg.verdict(v)
	return pg.flush()
}

func (pg *page) proofHead(a reconcile.Account, target string) {
	head := pg.loud.Render(Escape(a.Addr.String()))
	if target != "" {
		head += " → " + Escape(target)
	}
	pg.line(head)
}

// hopName is a hop's name, with the connection where that has one.
func hopName(h reconcile.Hop) string {
	if h.On == "" {
		return Escape(h.Name)
	}
	return Escape(h.Name) + " (" + Escape(h.On) + ")"
}

// hopColumn is how wide the names of hops are.
func hopColumn(connections []string) int {
	const longest = 10 // the longest hop names, discovery among them, and a blank
	width := longest
	for _, on := range connections {
		if on != "" {
			width = max(width, lipgloss.Width(hopName(reconcile.Hop{Name: strings.Repeat("x", longest), On: on})))
		}
	}
	return width
}

func (pg *page) hop(h reconcile.Hop) {
	ink := pg.added
	switch h.Status {
	case reconcile.HopFail:
		ink = pg.removed.Bold(true)
	case reconcile.HopSkip:
		ink = pg.faint
	}
	name := hopName(h)
	pad := strings.Repeat(" ", max(0, pg.hops-lipgloss.Width(name))+2)
	pg.line("  ", ink.Render(fmt.Sprintf("%-4s", h.Status)), "  ", name, pad, Escape(h.Text))
	if h.Status == reconcile.HopFail {
		pg.why(h)
	}
}

// why tells a failed hop's reasons.
func (pg *page) why(h reconcile.Hop) {
	at := place(h.Range)
	say := func(label, text string) {
		if text != "" {
			pg.line("        ", fmt.Sprintf("%-8s", label), "  ", Escape(text))
		}
	}
	say("expected", h.Expected)
	say("came", h.Came)
	for i, l := range h.Likely {
		text := "        " + fmt.Sprintf("%-8s", map[bool]string{true: "likely", false: "or"}[i == 0]) + "  " + Escape(l)
		pg.placed(text, at)
		at = ""
	}
	if at != "" {
		pg.line("        ", fmt.Sprintf("%-8s", "spec"), "  ", at)
	}
	say("see", h.See)
}

func (pg *page) row(p reconcile.Proof) {
	for _, l := range claimLines(p) {
		pg.line("  ", Escape(l))
	}
	for _, l := range lines(p.Row) {
		if l != "" {
			pg.line(l)
		}
	}
}

// claimLines are what a token says, as indented JSON, sorted by name; nil when that was not kept.
func claimLines(p reconcile.Proof) []string {
	if p.Claims == nil {
		return nil
	}
	text, err := json.MarshalIndent(facetsOf(reconcile.Map(p.Claims), false).known, "", "  ")
	if err != nil {
		return []string{"the claims cannot be shown: " + err.Error()}
	}
	return strings.Split("claims "+string(text), "\n")
}

// costText says what a verification took, "" when nobody counted.
func costText(v reconcile.Verification) string {
	var parts []string
	for _, t := range v.Cost {
		parts = append(parts, Count(t.N, t.What))
	}
	return strings.Join(parts, ", ")
}

func (pg *page) verdict(v reconcile.Verification) {
	proofs := v.Proofs
	if cost := costText(v); cost != "" {
		pg.line(pg.faint.Render("Took " + cost + "."))
	}
	hops, broken := 0, 0
	for _, p := range proofs {
		hops += len(p.Hops)
		if _, is := p.Broken(); is {
			broken++
		}
	}
	switch {
	case len(proofs) == 0:
		pg.line("Nothing to verify: no account of the spec gets tokens.")
	case broken == 0:
		pg.line(pg.loud.Render("Verified: " + Count(len(proofs), "account") + ", " + Count(hops, "hop") + "."))
	}
	for _, p := range proofs {
		if h, is := p.Broken(); is {
			pg.line(pg.loud.Render(fmt.Sprintf("Broken: %s at %s (%s, %d of %d hops).",
				Escape(p.Account.Addr.String()), hopName(h), Count(len(proofs), "account"), p.Passed(), len(p.Hops))))
		}
	}
}
