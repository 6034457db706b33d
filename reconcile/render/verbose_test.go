package render

import (
	"fmt"
	"io"
	"strings"
	"testing"

	rec "keymaker/reconcile"
)

// What text leaves out of long lists is counted with the flag that shows it, and is there with it: accounts, privileges, hazards, the order, whom a check concerns.
func TestVerboseShowsAll(t *testing.T) {
	const many = 40
	var p rec.Plan
	f := rec.Finding{Check: rec.CheckNoToken, Summary: "s", Detail: "d", Remedy: "r", Addr: roleAddr}
	for i := range many {
		name := fmt.Sprintf("app-%02d", i)
		var gains []rec.Node
		for j := range many {
			gains = append(gains, rec.Node{Kind: rec.NodePrivilege, Name: fmt.Sprintf("privilege-%02d", j)})
		}
		p.Access = append(p.Access, rec.AccessChange{Account: "account-" + name, Gains: gains})
		a := addr("okta", "app", "etl")
		a.Key = name
		p.Steps = append(p.Steps, rec.Step{Change: rec.Create{Want: rec.Object{Addr: a}}, Hazards: []rec.Hazard{{Kind: rec.HazardWidens, Text: "hazard-" + name}}})
		f.Accounts = append(f.Accounts, "concerned-"+name)
	}
	p.Findings = []rec.Finding{f}
	brief := string(text(t, func(w io.Writer) error { return Plan(w, p, kinds(), Style{}) }))
	all := string(text(t, func(w io.Writer) error { return Plan(w, p, kinds(), Style{Verbose: true}) }))
	last := []string{"account-app-39", "privilege-39", "hazard-app-39", "concerned-app-39"}
	for _, name := range last {
		if strings.Contains(brief, name) || !strings.Contains(all, name) {
			t.Errorf("%s: brief %t, verbose %t; want it in the latter only", name, strings.Contains(brief, name), strings.Contains(all, name))
		}
	}
	for _, line := range []string{"and 20 more accounts: 20 widens (all with --verbose)", "and 28 more (--verbose)", "and 20 more (--verbose)", "Order: okta.app.etl (40)"} {
		if !strings.Contains(brief, line) || strings.Contains(all, line) {
			t.Errorf("%q: brief %t, verbose %t; want it in the former only", line, strings.Contains(brief, line), strings.Contains(all, line))
		}
	}
	if strings.Contains(all, "--verbose") {
		t.Error("with the flag, the text still asks for it")
	}
	d := Findings{Drift: rec.Drift{Items: []rec.DriftItem{{Addr: appAddr, State: rec.InSync}}}, Access: p.Access, Checks: p.Findings}
	brief, all = string(text(t, func(w io.Writer) error { return Drift(w, d, Style{}) })), string(text(t, func(w io.Writer) error { return Drift(w, d, Style{Verbose: true}) }))
	for _, name := range []string{appAddr.String(), "account-app-39", "privilege-39"} {
		if strings.Contains(brief, name) || !strings.Contains(all, name) {
			t.Errorf("drift, %s: brief %t, verbose %t; want it in the latter only", name, strings.Contains(brief, name), strings.Contains(all, name))
		}
	}
}
