package render

import (
	"fmt"
	"slices"
	"strings"

	"keymaker/reconcile"
)

// DriftMarkdown is a comparison for an issue or a pull request, in GitHub's Markdown: counts first, then what happened to access, and each object that is not in sync
// folded away, the gravest first. It is at most 65,536 bytes long; what does not fit is left out whole and counted ("12 more objects").
func DriftMarkdown(f Findings) []byte {
	m := newMarkdown()
	m.para("### Keymaker drift")
	m.para("**" + driftSummary(f.Drift) + "**")
	if text := graveness(f.Drift); text != "" {
		m.para("Of what is not in sync, " + text + ". " + markdownUndoing(f.Drift))
	}
	if !f.At.IsZero() {
		m.para("Read " + stamp(f.At) + ".")
	}
	var targets []string
	for _, t := range f.Targets {
		targets = append(targets, codeSpan(t.Title+" "+t.URL)+", "+readState(t.System, f.Drift))
	}
	m.list("Servers", targets, "server", 4<<10)
	changed := f.drifted()
	slices.SortStableFunc(changed, func(a, b reconcile.AccessChange) int { return rankOfEffect(a) - rankOfEffect(b) })
	m.list("Access", accessItems(changed), "line", 12<<10)
	m.list("Checks", checkItems(f.Checks), "check", 8<<10)
	var ignored []string
	for _, text := range ignoredTexts(f.Drift) {
		ignored = append(ignored, codeSpan(text))
	}
	var objects, foreign []string
	for _, it := range gravest(f.Drift.Items) {
		switch {
		case it.State == reconcile.Foreign:
			foreign = append(foreign, codeSpan(it.Addr.String()))
		case it.State != reconcile.InSync:
			objects = append(objects, itemSection(it))
		}
	}
	if len(objects) > 0 {
		m.para("#### Objects")
	}
	m.limit -= 7 << 10 // for what comes behind
	m.sections(objects, func(n int) string {
		return fmt.Sprintf("**%s**, left out because a comment takes no more. `keymaker drift` shows all.", Count(n, "more object"))
	})
	m.limit += 7 << 10
	var remarks []string
	for _, r := range f.Remarks {
		remarks = append(remarks, codeSpan(Escape(r)))
	}
	m.list("Not looked at", remarks, "remark", 2<<10)
	m.list("Ignored", ignored, "attribute", 3<<10)
	m.list("Foreign: neither declared nor owned", foreign, "object", 2<<10)
	return m.bytes()
}

func itemSection(it reconcile.DriftItem) string {
	title := string(it.State) + " "
	if graver(it.Gravity) {
		title += "(" + string(it.Gravity) + ") "
	}
	title += codeHTML(it.Addr.String())
	if at := place(placeIn(it)); at != "" {
		title += ", " + codeHTML(at)
	}
	body := ""
	if s := said(it); s != "" {
		body = "# " + s + "\n"
	}
	for _, d := range it.Diffs {
		for _, one := range differencesOf(d) {
			body += signed(one)
		}
		if apart(it) {
			if graver(d.Gravity) {
				body += "#   access: " + string(d.Gravity) + "\n"
			}
			body += commented("#   ", diffMeans(d))
			if at := place(d.Range); at != "" && d.Range != it.Want.Range {
				body += "#   in the spec: " + at + "\n"
			}
			if by := byOfDiff(it, d); by != "" {
				body += "#   " + by + "\n"
			}
		}
	}
	rest := it
	if apart(it) {
		rest.Diffs = nil
	}
	body += commented("# ", meanings(rest)) + commented("# ", shared(it)) + commented("# to do: ", remedies(it))
	return folded(title, "diff", body, 16<<10)
}

// signed is a difference as lines of a diff: - is what the spec says, + what is live.
func signed(d difference) string {
	switch {
	case d.spec == "":
		return "+ " + d.name + "   " + d.live + "\n"
	case d.live == "":
		return "- " + d.name + "   " + d.spec + "\n"
	}
	return "- " + d.name + "   " + d.spec + "\n+ " + d.name + "   " + d.live + "\n"
}

func commented(sign string, lines []string) string {
	text := ""
	for _, l := range lines {
		text += sign + l + "\n"
	}
	return text
}

// markdownUndoing is what undoing says, with the command as code.
func markdownUndoing(d reconcile.Drift) string {
	return strings.Replace(undoing(d), "keymaker apply", "`keymaker apply`", 1)
}
