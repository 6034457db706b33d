package neo4j

import "keymaker/reconcile"

// The words of a user's attributes.
const (
	attrAuth     = "auth"
	attrPassword = "password"
	attrChange   = "change_required"
	attrStatus   = "status"
	attrHome     = "home_database"
	attrRoles    = "roles"

	statusActive    = "active"
	statusSuspended = "suspended"

	// nativeProvider is Neo4j's own: a name and a password.
	nativeProvider = "native"
	// nativeAuth stands for what can be said about a native provider: that there is one.
	nativeAuth = "password"
)

func userKind() reconcile.Kind {
	role := reconcile.Reference(systemName, kindRole, "name")
	return reconcile.Kind{
		System:  systemName,
		Name:    kindUser,
		Ownable: true,
		Doc:     "A user that Neo4j keeps: how it logs in, and the roles that it is granted. Users of a provider need none, unless dbms.security.require_local_user is true.",
		Fields: []reconcile.Field{
			{Name: "name", Type: reconcile.String, Default: "the block's name", Doc: "The user's name: printable ASCII without commas, colons and blanks; case counts."},
			{Name: attrRoles, Type: reconcile.SetOfType(role), Compare: reconcile.AsSet, Doc: "The roles that the user is granted, as a whole. PUBLIC, which everybody has, is none of them; neither are roles that a group mapping gives."},
			{Name: attrStatus, Type: reconcile.String, Enum: []string{statusActive, statusSuspended}, Doc: "Whether the user may log in."},
			{Name: attrHome, Type: reconcile.String, Doc: `The database of sessions that name none; "" for the default of the DBMS.`},
			{Name: attrAuth, Type: reconcile.MapOfType(reconcile.String), Default: "what the auth blocks say", Doc: "Each provider's id, or the word password for native; declared by the auth blocks, as a whole."},
			{Name: attrPassword, Type: reconcile.SecretText, Once: true, Default: "that of block auth \"native\"", Doc: "Declared by block auth \"native\"."},
			{Name: attrChange, Type: reconcile.Bool, Once: true, Default: "that of block auth \"native\"", Doc: "Declared by block auth \"native\"."},
		},
		Blocks:  []reconcile.BlockKind{{Kind: authKind(), Labeled: true, Many: true}},
		Exports: []reconcile.Export{{Name: "name", Doc: "The user's name.", Field: "name", BlockName: true}},
	}
}

func authKind() reconcile.Kind {
	return reconcile.Kind{
		System: systemName,
		Name:   attrAuth,
		Doc:    `A way in, named as in dbms.security.authentication_providers: native, oidc-okta. With any auth block all are managed: a provider without a block is removed.`,
		Fields: []reconcile.Field{
			{Name: "id", Type: reconcile.Reference("", "app", "client_id"), Doc: "Who the user is to an external provider: the value of its username claim. Not for native."},
			{Name: attrPassword, Type: reconcile.SecretText, Doc: "The password of native: set when the user is made or gets native, and never compared or set again."},
			{Name: attrChange, Type: reconcile.Bool, Default: "true", Doc: "Whether the first login has to change the password; set with it."},
		},
	}
}
