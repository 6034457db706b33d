package render

import (
	"encoding/json"
	"testing"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/hashicorp/hcl/v2"

	rec "keymaker/reconcile"
)

// A plan is what Terraform's own library for it takes.
func TestPlanJSONDecodesAsTerraformPlan(t *testing.T) {
	for name, p := range plans(t) {
		plan := terraformPlan(t, p)
		if len(plan.ResourceChanges) != len(p.Steps) || plan.Complete == nil || *plan.Complete == p.Pending() {
			t.Errorf("%s: %d changes, complete %v", name, len(plan.ResourceChanges), plan.Complete)
		}
		for i, c := range plan.ResourceChanges {
			checkTerraformChange(t, name, c, p.Steps[i].Change.Action())
		}
		for _, r := range plan.RelevantAttributes {
			if len(r.Attribute) != 1 || r.Resource == "" {
				t.Errorf("%s: relevant attribute %+v", name, r)
			}
		}
		if name == "create" && len(plan.RelevantAttributes) != 2 {
			t.Errorf("create: %d relevant attributes, want client_id of the app and name of the scope", len(plan.RelevantAttributes))
		}
	}
}

// terraformPlan decodes a plan's JSON with Terraform's library, which validates it on the way, and validates it again.
func terraformPlan(t *testing.T, p rec.Plan) tfjson.Plan {
	t.Helper()
	doc, err := planJSON(p, kinds())
	if err != nil {
		t.Fatal(err)
	}
	var plan tfjson.Plan
	if err := json.Unmarshal(doc, &plan); err != nil {
		t.Fatalf("%v in\n%s", err, doc)
	}
	if err := plan.Validate(); err != nil {
		t.Fatal(err)
	}
	return plan
}

func checkTerraformChange(t *testing.T, name string, c *tfjson.ResourceChange, a rec.Action) {
	t.Helper()
	is := map[rec.Action]bool{rec.ActionCreate: c.Change.Actions.Create(), rec.ActionUpdate: c.Change.Actions.Update(), rec.ActionDelete: c.Change.Actions.Delete()}
	if !is[a] || c.Mode != tfjson.ManagedResourceMode || c.ProviderName == "" || c.Type == "" {
		t.Errorf("%s %s: actions %v, mode %s, provider %q, type %q", name, c.Address, c.Change.Actions, c.Mode, c.ProviderName, c.Type)
	}
	for side, marks := range map[string]any{"before": c.Change.BeforeSensitive, "after": c.Change.AfterSensitive, "unknown": c.Change.AfterUnknown} {
		switch marks.(type) {
		case bool, map[string]any:
		default:
			t.Errorf("%s %s: the marks of %s are %T", name, c.Address, side, marks)
		}
	}
}

func TestPlanJSONModule(t *testing.T) {
	o := wantRole()
	o.Addr.Module = rec.ModulePath("", "accounts", "eu")
	plan := terraformPlan(t, planOf(t, []rec.Object{o}, nil, rec.Policy{}, nil))
	if c := plan.ResourceChanges[0]; c.ModuleAddress != `module.accounts["eu"]` || c.Address != `module.accounts["eu"].neo4j.role.etl_writer` {
		t.Errorf("module %q, address %q", c.ModuleAddress, c.Address)
	}
}

func TestPlanJSONSaysWhyItDeletes(t *testing.T) {
	live := object(roleAddr, hcl.Range{})
	gone := rec.Object{Addr: roleAddr, Absent: true, Range: at("specs/a.hcl", 1)}
	for want, p := range map[string]rec.Plan{
		"delete_because_no_resource_config": planOf(t, []rec.Object{gone}, []rec.Object{live}, rec.Policy{}, nil),
		"":                                  planOf(t, []rec.Object{wantRole()}, []rec.Object{live}, rec.Policy{Destroy: true}, nil),
	} {
		plan := terraformPlan(t, p)
		if len(plan.ResourceChanges) != 1 || string(plan.ResourceChanges[0].ActionReason) != want {
			t.Errorf("%d changes, want one with reason %q", len(plan.ResourceChanges), want)
		}
	}
}
