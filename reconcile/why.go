package reconcile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// Why is the answer to the question whether an account may do something, hop by hop.
type Why struct {
	Account  string
	Addr     Addr
	Question Question
	Yes      bool
	Hops     []WhyHop // those that are there, in order
	Missing  WhyHop   // the first one that is not; zero when the answer is yes
}

// WhyHop is one step from an account to what it may do.
type WhyHop struct {
	Verb   string // "gets scope", the first column
	What   string // "neo4j_groups"
	By     string // "by rule client-credentials of policy neo4j-service-accounts", "" when that is said
	Addr   Addr
	Range  hcl.Range
	Remedy string // of a missing hop: what would give it, in sentences
}

// AccountNames lists the accounts of a state that can be asked about, by name, with their objects' addresses.
func AccountNames(systems []System, state []Object) map[string]Addr {
	known := make(map[string]Addr)
	for t := range TokensOf(systems, state) {
		known[t.Account.Label()] = t.Addr
	}
	for _, e := range EdgesOf(systems, state) {
		if _, told := known[e.From.Label()]; e.From.Kind == NodeAccount && !told {
			known[e.From.Label()] = e.Via
		}
	}
	return known
}

// Explain answers a question about an account of a state, by its name: yes where it may on one of the servers on which it logs in. A mistake in the question is a *[QuestionError].
func Explain(systems []System, state []Object, account, question string) (Why, error) {
	return Explaining(systems, state).Why(account, question)
}

// Explaining prepares for several questions about one state.
func Explaining(systems []System, state []Object) *Explainer {
	w := &Explainer{state: make(map[Addr]Object), judge: judgeOf(systems), roles: make(map[Node][]Edge)}
	for _, o := range state {
		w.state[o.Addr] = o
	}
	var tokens []Token
	w.edges, tokens = GraphOf(systems, state)
	for _, e := range w.edges {
		if e.From.Kind == NodeRole {
			w.roles[e.From] = append(w.roles[e.From], e)
		}
	}
	w.entrances = entrancesOf(tokens, DoorsOf(systems, state))
	return w
}

// Why is [Explain] for the state.
func (e *Explainer) Why(account, question string) (Why, error) {
	if e.judge == nil {
		return Why{}, fmt.Errorf("no system of the spec has privileges")
	}
	q, err := e.judge.Question(question)
	if err != nil {
		return Why{}, err
	}
	w := &explainer{Explainer: e, question: q}
	best := Why{Account: account, Question: q, Missing: WhyHop{Verb: "is unknown", What: "to all systems", Remedy: "Name an account of the spec."}}
	for _, in := range e.entrances {
		if in.token.Account.Label() != account {
			continue
		}
		w.doors = in.doors
		for _, found := range w.ways(in.token) {
			if best.Addr.IsZero() || found.Yes && !best.Yes || best.Yes == found.Yes && len(found.Hops) > len(best.Hops) {
				best = found
			}
		}
	}
	if best.Addr.IsZero() {
		if found, ok := w.user(account, e.edges); ok {
			best = found
		}
	}
	return best, nil
}

// Explainer answers questions about one state. It is not for concurrent use.
type Explainer struct {
	state     map[Addr]Object
	judge     Judge
	edges     []Edge
	roles     map[Node][]Edge // what a role gives, and by which object
	entrances []entrance
}

// explainer walks the ways of one account.
type explainer struct {
	*Explainer
	question Question
	doors    []Door
}

// held is a role that somebody has, and the hops by which.
type held struct {
	role Node
	hops []WhyHop
}

// ways answers for each way in of an account: what is denied to it with one token may be open to it with another, that has fewer claims.
func (w *explainer) ways(t Token) []Why {
	out := Why{Account: t.Account.Label(), Addr: t.Addr, Question: w.question}
	if !t.Gets() {
		out.Missing = WhyHop{Verb: "gets no token", What: t.Refused.Text, Addr: t.Refused.Addr, Range: t.Refused.Range, Remedy: t.Refused.Remedy}
		return []Why{out}
	}
	var all []Why
	for in := range admit(t, w.doors) {
		all = append(all, w.way(in))
	}
	if len(all) == 0 {
		out.Hops = append(out.Hops, scopeHop(t, ""))
		out.Missing = w.shut(t)
		return []Why{out}
	}
	return all
}

func (w *explainer) way(in entry) Why {
	t := in.token
	out := Why{Account: t.Account.Label(), Addr: t.Addr, Question: w.question}
	d := in.door
	i := slices.IndexFunc(t.Claims, func(c Claim) bool { return c.Name == d.GroupsClaim })
	var roles []held
	if i >= 0 {
		out.Hops = append(out.Hops, w.claimHops(t, d)...)
	}
	names, _ := in.groups()
	for _, g := range names {
		for _, role := range d.RolesFor(g) {
			roles = append(roles, held{d.role(role), []WhyHop{w.mapHop(d, g, role)}})
		}
	}
	if in.local != nil && d.Locals.NativeRole {
		for _, role := range in.local.Roles {
			roles = append(roles, held{d.role(role), []WhyHop{{Verb: "is granted role", What: role, By: "as " + in.local.By.Text, Addr: in.local.By.Addr, Range: in.local.By.Range}}})
		}
	}
	if d.Public != "" {
		roles = append(roles, held{role: d.role(d.Public)})
	}
	w.privileges(&out, roles, d.role(d.Public))
	if !out.Yes && strings.HasPrefix(out.Missing.Verb, "is not granted") {
		w.before(&out, t, d, i >= 0, names)
	}
	return out
}

// before puts, in the place of a privilege that is missing, the hop before it that is missing already.
func (w *explainer) before(out *Why, t Token, d Door, carries bool, groups []string) {
	switch {
	case !carries && !d.GroupsElsewhere:
		out.Hops = []WhyHop{scopeHop(t, "")}
		out.Missing = WhyHop{Verb: "carries no groups", What: fmt.Sprintf("provider %s reads claim %s", d.Name, orText(d.GroupsClaim, "(none)")), Addr: d.Addr, Range: d.GroupsRange,
			Remedy: fmt.Sprintf("Give it a claim of that name, or set %s of the provider.", d.Words.Groups)}
		if i := slices.IndexFunc(t.Without, func(g Gap) bool { return g.Name == d.GroupsClaim }); i >= 0 {
			g := t.Without[i]
			out.Missing.What, out.Missing.Addr, out.Missing.Range, out.Missing.Remedy = g.Text, g.Addr, g.Range, g.Remedy
		}
	case len(groups) == 0 && !d.GroupsElsewhere:
		out.Missing = WhyHop{Verb: "carries no group", What: "claim " + d.GroupsClaim + " is empty", Addr: t.Addr, Range: t.Range, Remedy: "Put a group into the account's profile."}
	default:
		for _, g := range groups {
			if len(d.RolesFor(g)) > 0 {
				return
			}
		}
		out.Missing = w.unmapped(d, groups)
	}
}

// unmapped says why no group of an account becomes a role.
func (w *explainer) unmapped(d Door, groups []string) WhyHop {
	hop := WhyHop{Verb: "is not mapped", What: strings.Join(groups, ", ") + " to any role that exists, by provider " + d.Name, Addr: d.Addr, Range: orRange(d.MappingRange, d.Range),
		Remedy: fmt.Sprintf("Map the group in %s to a role that has the privilege.", d.Words.Mapping)}
	switch {
	case !d.Maps:
		hop.What, hop.Range = fmt.Sprintf("provider %s is missing in %s", d.Name, d.Words.MapsList), d.Range
		hop.Remedy = "Add it there: else its groups give no role."
		return hop
	case d.Unknown:
		hop.What, hop.Remedy = fmt.Sprintf("the mapping of provider %s is not the same everywhere, or does not parse", d.Name), "Apply the spec, so that all servers have one mapping."
		return hop
	}
	for _, g := range groups {
		for _, role := range d.Mapping[g] {
			if role != d.Public {
				hop.What, hop.Range = fmt.Sprintf("%s → %s, a role that does not exist, by provider %s", g, role, d.Name), orRange(d.MappingAt[g], hop.Range)
				hop.Remedy = fmt.Sprintf("Make role %s, or map the group to another one.", role)
				return hop
			}
		}
	}
	return hop
}

func orText(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

// scopeHop is the scope with which a claim comes: one of those to which it is tied, else any.
func scopeHop(t Token, claim string) WhyHop {
	var tied []string
	for _, c := range t.Claims {
		if c.Name == claim {
			tied = c.Scopes
		}
	}
	for _, s := range t.Scopes {
		if len(tied) == 0 || slices.Contains(tied, s.Name) {
			return WhyHop{Verb: "gets scope", What: s.Name, By: "by " + s.By.Text, Addr: s.By.Addr, Range: s.By.Range}
		}
	}
	return WhyHop{Verb: "gets a token", What: "of " + t.Server.Text, Addr: t.Server.Addr, Range: t.Server.Range}
}

func (w *explainer) claimHops(t Token, d Door) []WhyHop {
	hops := []WhyHop{scopeHop(t, d.GroupsClaim)}
	for _, c := range t.Claims {
		if c.Name != d.GroupsClaim {
			continue
		}
		hop := WhyHop{Verb: "carries", What: c.Name + " = [" + strings.Join(c.Values, ", ") + "]", By: "by " + c.By.Text, Addr: c.By.Addr, Range: c.By.Range}
		switch {
		case !c.Known:
			hop.What = c.Name + ", which only the authorization server can compute"
			if c.Why != "" {
				hop.What += ": " + c.Why
			}
		case len(c.At) > 0:
			hop.By += ", from " + c.At[0].Text
			hop.Range = orRange(c.At[0].Range, hop.Range)
		}
		hops = append(hops, hop)
	}
	return hops
}

func (w *explainer) mapHop(d Door, group, role string) WhyHop {
	hop := WhyHop{Verb: "is mapped", What: group + " → " + role, By: "by provider " + d.Name, Addr: d.Addr, Range: orRange(d.MappingAt[group], orRange(d.MappingRange, d.Range))}
	if d.Automatic {
		hop.By += ", by name"
	}
	if d.Words.Everywhere != "" {
		hop.By += ", " + d.Words.Everywhere
	}
	return hop
}

// shut says why no door lets a token in.
func (w *explainer) shut(t Token) WhyHop {
	e := entrance{token: t, doors: w.doors}
	d, fit, near := e.nearest()
	hop := WhyHop{Verb: "is not let in", Addr: d.Addr, Range: d.Range}
	switch {
	case !near:
		return WhyHop{Verb: "is not let in", What: "no provider takes its tokens", Addr: t.Addr, Range: t.Range, Remedy: "Declare a provider for the authorization server that issues them."}
	case t.Bound:
		hop.What, hop.Addr, hop.Range, hop.Remedy = "its tokens are bound to a key (DPoP), and "+d.Words.Product+" takes none", t.Addr, t.BoundRange, t.BoundRemedy
	case d.fitsIssuer(t) == FitNo:
		hop.What, hop.Range = fmt.Sprintf("provider %s expects issuer %s, and its tokens say %s", d.Name, said(d.Issuer), said(t.Issuer)), orRange(d.IssuerRange, d.Range)
		hop.Remedy = "Set " + d.Words.Server + " of the provider to the authorization server that issues them."
	case d.fitsKeys(t) == FitNo:
		hop.What, hop.Range = fmt.Sprintf("provider %s checks signatures with the keys of %s, and its tokens are signed by %s", d.Name, said(d.Keys), said(t.Issuer)), orRange(d.IssuerRange, d.Range)
		hop.Remedy = "Set " + d.Words.Server + " of the provider to the authorization server that issues them, and take the other addresses out."
	case fit == FitNo:
		hop.What, hop.Range = fmt.Sprintf("provider %s takes tokens for %s, and its are for %s", d.Name, saidAll(d.Audience), said(t.Audience)), orRange(d.AudienceRange, d.Range)
		hop.Remedy = "Add that audience to the provider."
	default:
		in, why := d.enter(t)
		switch why {
		case stopClosed:
			hop.What, hop.Remedy = fmt.Sprintf("provider %s is missing in %s", d.Name, d.Words.OpenList), "Add it there."
		case stopNoName:
			hop.What, hop.Remedy = fmt.Sprintf("provider %s reads the user's name from claim %s, and its tokens have none that is one text", d.Name, d.SubjectClaim), "Give them such a claim, or let the provider read sub."
			if i := slices.IndexFunc(t.Without, func(g Gap) bool { return g.Name == d.SubjectClaim }); i >= 0 {
				g := t.Without[i]
				hop.What, hop.Addr, hop.Range, hop.Remedy = g.Text, g.Addr, g.Range, g.Remedy
			}
		case stopNoUser:
			hop.What, hop.Remedy = fmt.Sprintf("%s is true, and no user has its id", d.Words.Required), "Declare "+d.Words.LocalUser+"."
		case stopSuspended:
			hop.What, hop.Addr, hop.Range = "user "+in.local.Name+", as which it runs, is suspended", in.local.By.Addr, in.local.By.Range
			hop.Remedy = "Let the user be active."
		}
	}
	return hop
}

// role is one of the server's roles.
func (d Door) role(name string) Node { return Node{Kind: NodeRole, Name: name, On: d.On} }

// user is the way of a user that the database itself keeps.
func (w *explainer) user(account string, edges []Edge) (Why, bool) {
	out := Why{Account: account, Question: w.question}
	var roles []held
	public := Node{}
	for _, e := range edges {
		if e.From.Kind != NodeAccount || e.From.Label() != account || e.To.Kind != NodeRole {
			continue
		}
		out.Addr = e.Via
		h := held{role: e.To}
		if e.Common {
			public = e.To
		} else {
			at := w.rangeOf(e.Via, e.To.Name)
			h.hops = []WhyHop{{Verb: "is granted role", What: e.To.Name, Addr: e.Via, Range: at}}
		}
		roles = append(roles, h)
	}
	if out.Addr.IsZero() {
		return out, false
	}
	w.privileges(&out, roles, public)
	return out, true
}

// rangeOf is where the spec writes a member of an object's sets, else the object.
func (w *explainer) rangeOf(addr Addr, text string) hcl.Range {
	o := w.state[addr]
	for _, a := range o.Attrs {
		for _, it := range a.Items {
			if it.Value == Text(text) && !it.Range.Empty() {
				return it.Range
			}
		}
	}
	return o.Range
}

// Placed is what is live, at the places where the spec speaks of it.
func Placed(live, want []Object) []Object {
	wants := make(map[Addr]Object, len(want))
	for _, o := range want {
		wants[o.Addr] = o
	}
	out := make([]Object, len(live))
	for i, o := range live {
		w := wants[o.Addr]
		o.Range = w.Range
		o.Attrs = slices.Clone(o.Attrs)
		for n, a := range o.Attrs {
			if from, ok := w.Attr(a.Name); ok {
				o.Attrs[n].Range, o.Attrs[n].Items = from.Range, from.Items
			}
		}
		out[i] = o
	}
	return out
}
