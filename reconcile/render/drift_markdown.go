package render

import (
	"fmt"

	"keymaker/reconcile"
)

// DriftMarkdown is a comparison for an issue or a pull request, in GitHub's Markdown: counts first, then what happened to access, and each object that is not in sync
// folded away. It is at most 65,536 bytes long; what does not fit is left out whole and counted ("12 more objects").
func DriftMarkdown(f Findings) []byte {
	m := newMarkdown()
	m.para("### Keymaker drift")
	m.para("**" + driftSummary(f.Drift) + "**")
	if !f.At.IsZero() {
		m.para("Read " + stamp(f.At) + ".")
	}
	var targets []string
	for _, t := range f.Targets {
		targets = append(targets, codeSpan(t.Title+" "+t.URL)+", "+readState(t.System, f.Drift))
	}
	m.list("Servers", targets, "server", 4<<10)
	m.list("Access", accessItems(f.drifted()), "line", 12<<10)
	m.list("Checks", checkItems(f.Checks), "check", 8<<10)
	var ignored []string
	for _, text := range ignoredTexts(f.Drift) {
		ignored = append(ignored, codeSpan(text))
	}
	var objects []string
	for _, it := range f.Drift.Items {
		if told(it) && it.State != reconcile.InSync {
			objects = append(objects, itemSection(it))
		}
	}
	if len(objects) > 0 {
		m.para("#### Objects")
	}
	m.limit -= 4 << 10 // for what is ignored
	m.sections(objects, func(n int) string {
		return fmt.Sprintf("**%s**, left out because a comment takes no more. `keymaker drift` shows all.", count(n, "more object"))
	})
	m.limit += 4 << 10
	var remarks []string
	for _, r := range f.Remarks {
		remarks = append(remarks, codeSpan(Escape(r)))
	}
	m.list("Not looked at", remarks, "remark", 2<<10)
	m.list("Ignored", ignored, "attribute", 3<<10)
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
	for _, d := range differences(it) {
		switch {
		case d.spec == "":
			body += "+ " + d.name + "   " + d.live + "\n"
		case d.live == "":
			body += "- " + d.name + "   " + d.spec + "\n"
		default:
			body += "- " + d.name + "   " + d.spec + "\n+ " + d.name + "   " + d.live + "\n"
		}
	}
	for _, l := range append(meanings(it), byLines(it)...) {
		body += "# " + l + "\n"
	}
	return folded(title, "diff", body, 16<<10)
}
