package render

import (
	"fmt"
	"strings"

	"keymaker/reconcile"
)

// ProofsJUnit is a verification as a JUnit report: a suite for each account, a case for each hop. A hop that failed tells what was expected, what came, and what is likely
// wrong; those after it are skipped.
func ProofsJUnit(proofs []reconcile.Proof) ([]byte, error) {
	doc := &junitSuites{Name: "keymaker verify"}
	for _, p := range proofs {
		suite := Escape(p.Account.Addr.String())
		for i, h := range p.Hops {
			c := junitCase{Name: fmt.Sprintf("%02d %s", i+1, hopName(h)), Class: suite, File: Escape(h.Range.Filename), Line: h.Range.Start.Line}
			switch h.Status {
			case reconcile.HopFail:
				c.Failure = &junitText{Message: Escape(h.Text), Type: Escape(h.Name), Text: strings.Join(whyLines(h), "\n")}
			case reconcile.HopSkip:
				c.Skipped = &junitText{Message: Escape(h.Text)}
			default:
				c.Out = Escape(h.Text)
			}
			doc.add(suite, c)
		}
	}
	return doc.document()
}

// ProofsMarkdown is a verification in GitHub's Markdown, at most 65,536 bytes: the verdict, then each account, with its hops folded away when all of them are ok. target is where accounts log in, "" leaves
// that out.
func ProofsMarkdown(v reconcile.Verification, target string) []byte {
	proofs := v.Proofs
	m := newMarkdown()
	m.para("### Keymaker verify")
	verdict := verdictLines(proofs)
	for i, l := range verdict {
		if i == manyPrivileges {
			m.para("and " + Count(len(verdict)-i, "more broken account") + ".")
			break
		}
		m.para("**" + l + "**")
	}
	if target != "" {
		m.para("Accounts log in to " + codeSpan(target) + ".")
	}
	if cost := costText(v); cost != "" {
		m.para("Took " + cost + ".")
	}
	var sections []string
	for _, p := range proofs {
		title := "ok " + codeHTML(p.Account.Addr.String())
		if h, is := p.Broken(); is {
			title = "FAIL " + codeHTML(p.Account.Addr.String()) + " at " + codeHTML(hopName(h))
		}
		body := block(func(pg *page) {
			for _, h := range p.Hops {
				pg.hop(h)
			}
		})
		for _, l := range claimLines(p) {
			body += Escape(l) + "\n"
		}
		for _, l := range lines(p.Row) {
			if l != "" {
				body += l + "\n"
			}
		}
		s := folded(title, "", body, 16<<10)
		if _, is := p.Broken(); is {
			s = strings.Replace(s, "<details>", "<details open>", 1)
		}
		sections = append(sections, s)
	}
	m.sections(sections, func(n int) string {
		return "**" + Count(n, "more account") + "**, left out because a comment takes no more. `keymaker verify` shows all."
	})
	return m.bytes()
}

// verdictLines are the last lines of a verification, in Markdown.
func verdictLines(proofs []reconcile.Proof) []string {
	hops := 0
	var broken []string
	for _, p := range proofs {
		hops += len(p.Hops)
		if h, is := p.Broken(); is {
			broken = append(broken, fmt.Sprintf("Broken: %s at %s (%s, %d of %d hops).",
				codeSpan(p.Account.Addr.String()), codeSpan(hopName(h)), Count(len(proofs), "account"), p.Passed(), len(p.Hops)))
		}
	}
	switch {
	case len(proofs) == 0:
		return []string{"Nothing to verify: no account of the spec gets tokens."}
	case len(broken) == 0:
		return []string{"Verified: " + Count(len(proofs), "account") + ", " + Count(hops, "hop") + "."}
	}
	return broken
}

// whyLines tell why a hop failed, a line each.
func whyLines(h reconcile.Hop) []string {
	var ls []string
	say := func(label, text string) {
		if text != "" {
			ls = append(ls, label+": "+Escape(text))
		}
	}
	say("expected", h.Expected)
	say("came", h.Came)
	for _, l := range h.Likely {
		say("likely", l)
	}
	say("spec", place(h.Range))
	say("see", h.See)
	return ls
}
