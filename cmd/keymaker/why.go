package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
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
		Args:    cobra.RangeArgs(2, 3),
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
	name, err := accountNamed(reconcile.AccountNames(s.systems(), state), account)
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

// accountNamed finds an account by its name or the address of its object. What no account is called is an error that names the nearest.
func accountNamed(known map[string]reconcile.Addr, wanted string) (string, error) {
	if _, ok := known[wanted]; ok {
		return wanted, nil
	}
	names := slices.Sorted(maps.Keys(known))
	candidates := slices.Clone(names)
	for _, name := range names {
		if known[name].String() == wanted {
			return name, nil
		}
		candidates = append(candidates, known[name].String())
	}
	if _, ok := known["user "+wanted]; ok {
		return "user " + wanted, nil
	}
	if len(names) == 0 {
		return "", fmt.Errorf("there is no account %q: no account of the spec is live and gets a token or has a role", wanted)
	}
	const most = 10
	list := strings.Join(names[:min(len(names), most)], ", ")
	if n := len(names) - most; n > 0 {
		list += fmt.Sprintf(" and %d more", n)
	}
	return "", fmt.Errorf("there is no account %q.%s Accounts: %s", wanted, specs.Suggest(wanted, candidates), list)
}
