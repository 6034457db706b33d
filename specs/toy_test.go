package specs

import (
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"keymaker/reconcile"
)

// toy is a language with kinds of its own: enough of two systems to try every part of the spec language.
type toy struct {
	system     string
	connection reconcile.Kind
	kinds      []reconcile.Kind
}

func (t toy) System() string             { return t.system }
func (t toy) Connection() reconcile.Kind { return t.connection }
func (t toy) Kinds() []reconcile.Kind    { return t.kinds }

func (t toy) Declare(b reconcile.Block) ([]reconcile.Object, hcl.Diagnostics) {
	if b.Text("description", "") == "refuse me" {
		return nil, hcl.Diagnostics{problem(b.At("description"), "Refused", "The toy language refuses this.")}
	}
	o := reconcile.Object{Addr: b.Addr, Needs: b.Needs, Range: b.Range, Lifecycle: b.Lifecycle}
	for _, name := range slices.Sorted(maps.Keys(b.Fields)) {
		a := b.Fields[name]
		o.Set(reconcile.Attr{Name: name, Value: a.Value, Range: a.Range, Items: a.Items})
	}
	objects := []reconcile.Object{o}
	for _, inner := range b.Blocks {
		if inner.Name == "" {
			continue
		}
		child := reconcile.Object{Addr: b.Addr.Child(inner.Type, inner.Name), Needs: append(slices.Clone(b.Needs), b.Addr), Range: inner.Range}
		for name, a := range inner.Fields {
			child.Set(reconcile.Attr{Name: name, Value: a.Value, Range: a.Range, Items: a.Items})
		}
		objects = append(objects, child)
	}
	return objects, nil
}

func toys() []Language { return []Language{toyOkta(), toyNeo4j()} }

func toyOkta() toy {
	named := []reconcile.Export{{Name: "name", Field: "name", BlockName: true}, {Name: "id"}}
	server := reconcile.Reference("okta", "authorization_server", "name")
	scope := reconcile.Reference("okta", "scope", "name")
	app := reconcile.Reference("okta", "app", "client_id")
	return toy{
		system: "okta",
		connection: reconcile.Kind{System: "okta", Name: "okta", Fields: []reconcile.Field{
			{Name: "org_url", Type: reconcile.String}, {Name: "token", Type: reconcile.SecretText}, {Name: "retries", Type: reconcile.Integer},
		}},
		kinds: []reconcile.Kind{
			{
				System: "okta", Name: "app", Ownable: true,
				Fields: []reconcile.Field{
					{Name: "label", Type: reconcile.String},
					{Name: "client_id", Type: reconcile.String},
					{Name: "description", Type: reconcile.String},
					{Name: "profile", Type: reconcile.MapOfType(reconcile.JSON), Compare: reconcile.OwnedKeys},
					{Name: "status", Type: reconcile.String, Enum: []string{"ACTIVE", "INACTIVE"}},
					{Name: "password", Type: reconcile.SecretText},
					{Name: "hint", Type: reconcile.String, Sensitive: true},
				},
				Blocks: []reconcile.BlockKind{{Kind: reconcile.Kind{Name: "secret", Fields: []reconcile.Field{
					{Name: "file", Type: reconcile.String, Required: true, Doc: "where the secret is delivered"},
				}}}},
				Exports: []reconcile.Export{{Name: "client_id", Field: "client_id"}, {Name: "label", Field: "label", BlockName: true}},
			},
			{System: "okta", Name: "authorization_server", Implicit: true, Exports: append(named, reconcile.Export{Name: "issuer"}),
				Fields: []reconcile.Field{{Name: "name", Type: reconcile.String}}},
			{System: "okta", Name: "scope", Exports: named, Fields: []reconcile.Field{
				{Name: "name", Type: reconcile.String}, {Name: "authorization_server", Type: server, Locates: true}, {Name: "description", Type: reconcile.String},
				{Name: "consent", Type: reconcile.String, Enum: []string{"IMPLICIT", "REQUIRED"}}, {Name: "default", Type: reconcile.Bool},
			}},
			{System: "okta", Name: "claim", Exports: named, Fields: []reconcile.Field{
				{Name: "name", Type: reconcile.String}, {Name: "value", Type: reconcile.String, Required: true, Doc: "an Okta expression"},
				{Name: "scopes", Type: reconcile.SetOfType(scope)},
			}},
			{
				System: "okta", Name: "policy", Exports: named,
				Fields: []reconcile.Field{{Name: "name", Type: reconcile.String}, {Name: "clients", Type: reconcile.SetOfType(app)}, {Name: "priority", Type: reconcile.Integer}},
				Blocks: []reconcile.BlockKind{{Labeled: true, Many: true, Min: 1, Kind: reconcile.Kind{Name: "rule", Fields: []reconcile.Field{
					{Name: "scopes", Type: reconcile.ListOfType(scope)}, {Name: "access_token_lifetime", Type: reconcile.Duration},
					{Name: "grant_types", Type: reconcile.SetOfType(reconcile.String), Enum: []string{"client_credentials", "authorization_code"}},
				}}}},
			},
		},
	}
}

func toyNeo4j() toy {
	role := reconcile.Reference("neo4j", "role", "name")
	server := reconcile.Reference("", "authorization_server", "issuer")
	claim := reconcile.Reference("", "claim", "name")
	server.Ref.Only, claim.Ref.Only = true, false
	return toy{
		system:     "neo4j",
		connection: reconcile.Kind{System: "neo4j", Name: "neo4j", Fields: []reconcile.Field{{Name: "uri", Type: reconcile.String}}},
		kinds: []reconcile.Kind{
			{System: "neo4j", Name: "role", Ownable: true, Exports: []reconcile.Export{{Name: "name", Field: "name", BlockName: true}}, Fields: []reconcile.Field{
				{Name: "name", Type: reconcile.String}, {Name: "grant", Type: reconcile.SetOfType(reconcile.String)},
			}},
			{System: "neo4j", Name: "user", Ownable: true, Fields: []reconcile.Field{
				{Name: "auth_id", Type: reconcile.Reference("okta", "app", "client_id")}, {Name: "home", Type: reconcile.String}, {Name: "roles", Type: reconcile.SetOfType(role)},
			}},
			{System: "neo4j", Name: "oidc_provider", Fields: []reconcile.Field{
				{Name: "display_name", Type: reconcile.String}, {Name: "visible", Type: reconcile.Bool},
				{Name: "auth_flow", Type: reconcile.String, Enum: []string{"pkce", "implicit"}},
				{Name: "authorization_server", Type: server}, {Name: "username_claim", Type: claim}, {Name: "groups_claim", Type: claim},
				{Name: "token_type", Type: reconcile.String, Enum: []string{"access_token", "id_token"}},
				{Name: "params", Type: reconcile.MapOfType(reconcile.String)}, {Name: "config", Type: reconcile.MapOfType(reconcile.String)},
				{Name: "group_to_role", Type: reconcile.MapOfType(reconcile.SetOfType(role))}, {Name: "timeout", Type: reconcile.Duration},
			}},
		},
	}
}
