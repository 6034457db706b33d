package render

import (
	"io"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	rec "keymaker/reconcile"
)

func TestDurations(t *testing.T) {
	for in, want := range map[string]string{"1h0m0s": "1h", "30m0s": "30m", "1h30m0s": "1h30m", "1h0m5s": "1h0m5s", "0s": "0s", "10s": "10s", "10m0s": "10m", "20h10m0s": "20h10m", "500ms": "500ms", "no duration": "no duration"} {
		if got := asShown(rec.Text(in), rec.Duration); got != rec.Text(want) {
			t.Errorf("%s is shown as %v, want %s", in, got, want)
		}
		if got := asShown(rec.Text(in), rec.String); got != rec.Text(in) {
			t.Errorf("a text %s is shown as %v", in, got)
		}
	}
}

func TestDurationsInPlanAndDrift(t *testing.T) {
	field := rec.Field{Name: "access_token_lifetime", Type: rec.Duration}
	ks := []rec.Kind{{System: "okta", Name: "rule", Fields: []rec.Field{field, {Name: "all", Type: rec.SetOfType(rec.Duration), Compare: rec.AsSet}}}}
	a := addr("okta", "rule", "r")
	want := object(a, hcl.Range{}, attr(field.Name, rec.Text("1h0m0s")), attr("all", rec.TextSet("30m0s")))
	live := object(a, hcl.Range{}, attr(field.Name, rec.Text("30m0s")), attr("all", rec.TextSet("2h0m0s")))
	d := rec.Compare(ks, []rec.Object{want}, rec.Live{Objects: []rec.Object{live}})
	plan := rec.Plan{Drift: d, Steps: []rec.Step{{Change: rec.Create{Want: want}}, {Change: rec.Update{Live: live, Want: want, Diffs: d.Items[0].Diffs}}}}
	got := string(text(t, func(w io.Writer) error { return Plan(w, plan, ks, Style{}) })) + string(text(t, func(w io.Writer) error { return Drift(w, d, nil, Style{}) }))
	for _, want := range []string{"30m → 1h", "+ access_token_lifetime   1h\n", "[- 2h, + 30m]", "spec 1h, live 30m"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "0s") {
		t.Errorf("a long duration is shown in\n%s", got)
	}
}
