package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"keymaker/reconcile"
	"keymaker/reconcile/render"
	"keymaker/specs"
)

func (p *program) whyCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "why [PATH] ACCOUNT PRIVILEGE",
		Short: "Answer why an account may do something, or why not",
		Long: `Why reads both systems and answers whether an account may do what a privilege says: all of it, after denials, and with what it is
of no use without, ACCESS to the database and TRAVERSE of what is to be read. Each hop is named with the object that makes it so: the
scope and who gives it, the claim and what it says, the mapping, the grant. Where the answer is no, the first hop that is missing is
named, and what would give it. It writes nothing.

ACCOUNT is a name or an address; PRIVILEGE is written as in a role's grant. The home database is taken to be neo4j.

Exit codes: 0 yes, 1 error, 2 no.`,
		Example: "  keymaker access why neo4j-etl \"WRITE ON GRAPH neo4j\"\n  keymaker access why specs/examples/service-account okta.app.neo4j-etl \"READ {name} ON GRAPH neo4j NODES Person\"",
		Args:    whyArgs,
		RunE: func(c *cobra.Command, args []string) error {
			path := "."
			if len(args) == 3 {
				path, args = args[0], args[1:]
			}
			return p.why(c.Context(), path, args[0], args[1], asJSON)
		},
	}
	p.liveFlags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print the answer as JSON")
	return c
}

func (p *program) why(ctx context.Context, path, account, question string, asJSON bool) error {
	s, err := p.open(ctx, path)
	if err != nil {
		return err
	}
	defer s.Close()
	lives, err := s.read(ctx)
	if err != nil {
		return err
	}
	state := reconcile.Placed(merge(lives).Objects, s.spec.Objects)
	name, none, err := s.account(state, account)
	if err != nil {
		return err
	}
	why, err := reconcile.Explain(s.systems(), state, name, question)
	var mistake *reconcile.QuestionError
	if errors.As(err, &mistake) {
		if err := render.Question(p.out.err, mistake, p.out.style(p.out.err)); err != nil {
			return err
		}
		return exit{code: exitError}
	}
	if err != nil {
		return err
	}
	if none != nil {
		why.Addr, why.Missing = none.Addr, *none
	}
	if err := p.tellWhy(why, asJSON); err != nil {
		return err
	}
	if !why.Yes {
		return exit{code: exitDiffers}
	}
	return nil
}

func (p *program) tellWhy(why reconcile.Why, asJSON bool) error {
	if !asJSON {
		return render.Why(p.out.out, why, p.out.style(p.out.out))
	}
	doc, err := render.WhyJSON(why)
	if err != nil {
		return err
	}
	_, err = p.out.out.Write(doc)
	return err
}

// whyArgs wants an account and one privilege. Shells take a privilege apart that is not in quotes.
func whyArgs(_ *cobra.Command, args []string) error {
	const how = "keymaker access why [PATH] ACCOUNT \"WRITE ON GRAPH neo4j\""
	switch {
	case len(args) > 3:
		return fmt.Errorf("put the privilege in quotes, since it is one argument: %s", how)
	case len(args) < 2:
		return fmt.Errorf("why takes an account and a privilege: %s", how)
	case len(args) == 2 && isSpec(args[0]):
		return fmt.Errorf("%s is a spec, and an account or a privilege is missing: %s", args[0], how)
	}
	return nil
}

// isSpec says whether a path holds spec files, or is one.
func isSpec(path string) bool {
	if strings.HasSuffix(path, ".hcl") {
		return true
	}
	files, _ := filepath.Glob(filepath.Join(path, "*.hcl"))
	return len(files) > 0
}

// account finds an account by its name or the address of its object, among those that are live, else among those that the spec declares: none is then the hop that it lacks
// before all others. What no account is called is an error that names the nearest.
func (s *session) account(state []reconcile.Object, wanted string) (name string, none *reconcile.WhyHop, err error) {
	live, declared := reconcile.AccountNames(s.systems(), state), reconcile.AccountNames(s.systems(), s.spec.Objects)
	for _, pr := range s.provers() {
		for _, a := range pr.Accounts(s.spec.Objects) { // those for which nothing is known to answer, too
			if _, told := declared[a.Name]; !told {
				declared[a.Name] = a.Addr
			}
		}
	}
	if name, ok := accountNamed(live, wanted); ok {
		return name, nil, nil
	}
	if name, ok := accountNamed(declared, wanted); ok {
		return name, s.notThere(declared[name]), nil
	}
	if name, none := s.suspended(state, wanted); none != nil {
		return name, none, nil
	}
	all := maps.Clone(live)
	maps.Copy(all, declared)
	names := slices.Sorted(maps.Keys(all))
	if len(names) == 0 {
		return "", nil, fmt.Errorf("there is no account %q: the spec declares none that gets a token or has a role", wanted)
	}
	candidates := slices.Clone(names)
	for _, name := range names {
		candidates = append(candidates, all[name].String())
	}
	const most = 10
	list := strings.Join(names[:min(len(names), most)], ", ")
	if n := len(names) - most; n > 0 {
		list += fmt.Sprintf(" and %d more", n)
	}
	return "", nil, fmt.Errorf("there is no account %q.%s Accounts: %s", wanted, specs.Suggest(wanted, candidates), list)
}

// accountNamed finds a name among accounts by itself, by its object's address, or as a user's.
func accountNamed(known map[string]reconcile.Addr, wanted string) (string, bool) {
	if _, ok := known[wanted]; ok {
		return wanted, true
	}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if known[name].String() == wanted {
			return name, true
		}
	}
	_, ok := known["user "+wanted]
	return "user " + wanted, ok
}

// notThere is the first hop of an account that the spec declares and that is not live.
func (s *session) notThere(addr reconcile.Addr) *reconcile.WhyHop {
	hop := &reconcile.WhyHop{Verb: "is not there", What: addr.String() + " is in the spec, and not live", Addr: addr, Remedy: "keymaker apply makes it."}
	for _, o := range s.spec.Objects {
		if o.Addr == addr {
			hop.Range = o.Range
		}
	}
	return hop
}

// suspended finds a user that nobody can be, and so has no role: nil where there is none of that name.
func (s *session) suspended(state []reconcile.Object, wanted string) (name string, hop *reconcile.WhyHop) {
	for _, o := range slices.Concat(state, s.spec.Objects) {
		status, _ := o.Attr("status")
		called := o.TextAttr("name")
		if o.Addr.System != "neo4j" || o.Addr.Kind != "user" || status.Value != reconcile.Text("suspended") || wanted != o.Addr.String() && strings.TrimPrefix(wanted, "user ") != called {
			continue
		}
		at := status.Range
		if at.Empty() {
			at = o.Range
		}
		return "user " + called, &reconcile.WhyHop{Verb: "is not let in", What: "user " + called + " is suspended", Addr: o.Addr, Range: at, Remedy: "Let the user be active."}
	}
	return "", nil
}
