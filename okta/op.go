package okta

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"keymaker/reconcile"
)

// Op is one call of Okta, or one file written. The sum is closed: [Request], [Reorder], [Strip], [KeepSecret], [SettleSecret], [Deliver], [KeepKey]
// and [DeliverKey].
type Op interface {
	reconcile.Op
	op()
}

type (
	// Request is one call of the management API.
	Request struct {
		Addr   reconcile.Addr
		Method string
		Path   []reconcile.Value // segments, Text or Ref
		Query  string            // encoded, "" when there is none
		Body   reconcile.Map     // of a POST that creates
		// Edits are what a PUT changes. The object is read again first; the PUT sends it whole, as Okta's PUTs replace.
		Edits []Edit
		// Goal is the status that a lifecycle call leads to.
		Goal string
		// Seen is what the plan saw of the object beside its Edits: the object is read again right before the call, and one that moved is left alone. The zero object
		// is compared with nothing.
		Seen reconcile.Object
		// Looks is how many reads of its collection a create brings with it, beyond those of the creates before it.
		Looks int
	}
	// Edit is the change of one field.
	Edit struct {
		Attr string
		Path []string // in Okta's JSON
		// Seen is what the plan saw there, nil for nothing. Another value at the time of the call means that somebody else was there.
		Seen reconcile.Value
		Goal reconcile.Value
		// Add says that Goal is a public key that joins the list at Path, whatever else is there, unless it is there already.
		Add bool
	}
	// Reorder brings rules or policies into an order among themselves, by their priorities.
	Reorder struct {
		Addr  reconcile.Addr    // of what holds them
		List  []reconcile.Value // their collection
		Order []string          // names
		Fixed string            // the one that is not moved: the others go around it; "" when any may
		Moves int               // how many of them are moved, from the order that the plan saw
	}
	// Strip takes a client out of a policy that names it, before the client is deleted.
	Strip struct {
		Addr   reconcile.Addr // the app
		Policy []reconcile.Value
		Client reconcile.Value
	}
	// KeepSecret makes a client secret and writes it to File+".pending" before Okta hears of it.
	KeepSecret struct {
		Addr reconcile.Addr
		File string
	}
	// SettleSecret ends a delivery that was cut off: it finds out by a token request whether the pending secret is live, and makes it live if not.
	SettleSecret struct {
		Addr   reconcile.Addr
		App    reconcile.Value // Okta's id
		Client reconcile.Value // client_id
		Server reconcile.Value
		Method string // how the client authenticates
		File   string
	}
	// Deliver writes File with the pending secret, and removes File+".pending".
	Deliver struct {
		Addr   reconcile.Addr
		File   string
		Format string // env or json
		Keys   reconcile.Map
	}
	// KeepKey makes a private key and writes it to File+".pending" before Okta hears of it; one that is in either file already is kept. What comes after
	// knows its public half.
	KeepKey struct {
		Addr            reconcile.Addr
		File, Algorithm string
	}
	// DeliverKey writes EnvFile, when there is to be one, and gives File+".pending" its final name.
	DeliverKey struct {
		Addr          reconcile.Addr
		File, EnvFile string
		Keys          reconcile.Map // what EnvFile says
	}
)

func (Request) op()      {}
func (Reorder) op()      {}
func (Strip) op()        {}
func (KeepSecret) op()   {}
func (SettleSecret) op() {}
func (Deliver) op()      {}
func (KeepKey) op()      {}
func (DeliverKey) op()   {}

// Calls is one write, and for what is there already the read before it.
func (r Request) Calls() []reconcile.Tally {
	bucket := bucketAt(r.Method, r.Path)
	switch {
	case len(r.Edits) > 0:
		return readsWrites(bucket, 1, 1)
	case r.Seen.Addr.IsZero():
		return readsWrites(bucket, r.Looks, 1)
	}
	object := r.Path
	if r.Goal != "" { // the call's last segments are /lifecycle/VERB
		object = r.Path[:len(r.Path)-2]
	}
	return append(readsWrites(bucketAt(http.MethodGet, object), 1, 0), readsWrites(bucket, 0, 1)...)
}

// Calls is a read and a write for each that is moved, and a last look.
func (r Reorder) Calls() []reconcile.Tally {
	return readsWrites(bucketAt(http.MethodGet, r.List), r.Moves+1, r.Moves)
}

// Calls is a read and a write.
func (s Strip) Calls() []reconcile.Tally {
	return readsWrites(bucketAt(http.MethodGet, s.Policy), 1, 1)
}

// Calls is a file.
func (KeepSecret) Calls() []reconcile.Tally { return files(1) }

// Calls is a token request, and at most a read and a write.
func (s SettleSecret) Calls() []reconcile.Tally {
	token := reconcile.Tally{What: "token", N: 1, Bucket: bucketAt(http.MethodPost, tokenPath(s.Server))}
	return append([]reconcile.Tally{token}, readsWrites(bucketAt(http.MethodGet, append(appsPath(), s.App)), 1, 1)...)
}

// Calls is a file.
func (Deliver) Calls() []reconcile.Tally { return files(1) }

// Calls is a file.
func (KeepKey) Calls() []reconcile.Tally { return files(1) }

// Calls is a file or two.
func (d DeliverKey) Calls() []reconcile.Tally {
	if d.EnvFile != "" {
		return files(2)
	}
	return files(1)
}

// readsWrites counts calls of one bucket, leaving out what is not made.
func readsWrites(bucket string, reads, writes int) []reconcile.Tally {
	var ts []reconcile.Tally
	if reads > 0 {
		ts = append(ts, reconcile.Tally{What: "read", N: reads, Bucket: bucket})
	}
	if writes > 0 {
		ts = append(ts, reconcile.Tally{What: "write", N: writes, Bucket: bucket})
	}
	return ts
}

func files(n int) []reconcile.Tally { return []reconcile.Tally{{What: "file", N: n}} }

// String is the call: method, path, and what is sent. A PUT shows the fields it changes.
func (r Request) String() string {
	s := r.Method + " " + printPath(r.Path)
	if r.Query != "" {
		s += "?" + r.Query
	}
	body := r.Body
	if len(r.Edits) > 0 {
		body = reconcile.Map{}
		for _, e := range r.Edits {
			goal := e.Goal
			if e.Add {
				goal = reconcile.Map{"added": goal}
			}
			putValue(body, goal, e.Path...)
		}
	}
	if body != nil {
		s += " " + printJSON(body)
	}
	return s
}

// String is the calls in short.
func (r Reorder) String() string {
	return "PUT " + printPath(r.List) + "/{id} {\"priority\": …} until the order is " + strings.Join(r.Order, ", ")
}

// String is the call.
func (s Strip) String() string {
	return "PUT " + printPath(s.Policy) + ` {"conditions": {"clients": {"include": without ` + printJSON(s.Client) + "}}}"
}

// String names the file.
func (k KeepSecret) String() string { return "write " + pendingOf(k.File) }

// String says what is tried, and what is done if that fails.
func (s SettleSecret) String() string {
	app := printPath(append(appsPath(), s.App))
	return "POST " + printPath(tokenPath(s.Server)) +
		" with the secret in " + pendingOf(s.File) + "; where it is refused PUT " + app + ` {"credentials": {"oauthClient": {"client_secret": ` +
		printJSON(pendingSecret(s.File)) + "}}}"
}

// String names the file and the keys it gets.
func (d Deliver) String() string {
	return "write " + d.File + " (" + strings.Join(slices.Sorted(maps.Keys(d.Keys)), ", ") + "), remove " + pendingOf(d.File)
}

// String names the file.
func (k KeepKey) String() string {
	return "write " + pendingOf(k.File) + " with a new key, unless there is one"
}

// String names the files.
func (d DeliverKey) String() string {
	s := "rename " + pendingOf(d.File) + " to " + d.File
	if d.EnvFile != "" {
		s = "write " + d.EnvFile + " (" + strings.Join(slices.Sorted(maps.Keys(d.Keys)), ", ") + "), " + s
	}
	return s
}

// appsPath is where apps are.
func appsPath() []reconcile.Value {
	return []reconcile.Value{reconcile.Text("api"), reconcile.Text("v1"), reconcile.Text("apps")}
}

// serverPath is where an authorization server is.
func serverPath(server reconcile.Value, more ...reconcile.Value) []reconcile.Value {
	return append([]reconcile.Value{reconcile.Text("api"), reconcile.Text("v1"), reconcile.Text("authorizationServers"), server}, more...)
}

// tokenPath is where an authorization server gives tokens.
func tokenPath(server reconcile.Value) []reconcile.Value {
	return []reconcile.Value{reconcile.Text("oauth2"), server, reconcile.Text("v1"), reconcile.Text("token")}
}

func printPath(path []reconcile.Value) string {
	var b strings.Builder
	for _, p := range path {
		b.WriteByte('/')
		switch p := p.(type) {
		case reconcile.Text:
			b.WriteString(url.PathEscape(string(p)))
		case reconcile.Ref:
			b.WriteString(printRef(p))
		default:
			b.WriteString(fmt.Sprint(p))
		}
	}
	return b.String()
}

func printRef(r reconcile.Ref) string { return "${" + r.Addr.String() + "." + r.Attr + "}" }

// printJSON writes a value as the JSON that will be sent, with references as ${address.attribute} and secrets as their origins.
func printJSON(v reconcile.Value) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case reconcile.Ref:
		return `"` + printRef(v) + `"`
	case reconcile.Secret:
		return v.String()
	case reconcile.Map:
		parts := make([]string, 0, len(v))
		for _, k := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, reconcile.Text(k).String()+": "+printJSON(v[k]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case reconcile.List, reconcile.Set:
		parts := make([]string, 0)
		for _, m := range reconcile.Members(v) {
			parts = append(parts, printJSON(m))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return v.String()
}
