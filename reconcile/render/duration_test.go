package render

import (
	"io"
	"strings"
	"testing"
	"time"

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
	got := string(text(t, func(w io.Writer) error { return Plan(w, plan, ks, Style{}) })) + string(text(t, func(w io.Writer) error { return Drift(w, Findings{Drift: d}, Style{}) }))
	for _, want := range []string{"30m → 1h", "+ access_token_lifetime   1h\n", "[- 2h, + 30m]", "spec 1h, live 30m"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "0s") {
		t.Errorf("a long duration is shown in\n%s", got)
	}
}

func TestAbout(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "1 s", time.Second: "1 s", 1001 * time.Millisecond: "2 s", time.Minute: "60 s", 61 * time.Second: "1 min 10 s", 100 * time.Second: "1 min 40 s",
		10 * time.Minute: "10 min", 601 * time.Second: "11 min", time.Hour: "1 h", 125 * time.Minute: "2 h 5 min",
	} {
		if got := About(d); got != want {
			t.Errorf("About(%s) is %q, want %q", d, got, want)
		}
	}
}
