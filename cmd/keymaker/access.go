package main

import (
	"bytes"
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"keymaker/reconcile"
	"keymaker/reconcile/render"
)

func (p *program) accessCommand() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "access [PATH] [ACCOUNT]",
		Short: "Show who may do what: account, scopes and claims, groups, roles, privileges",
		Long: `Access reads both systems and shows, for each account of the spec, the scopes and claims that it can get and by which rule, the groups that its
tokens carry, the roles that Neo4j maps them to, and what these roles may do. Denials are listed beside what they deny, and a claim that
only Okta can compute is said to be one. It writes nothing.

Exit codes: 0 done, 1 error, 2 the account has no access.`,
		Example: "  keymaker access specs/examples/service-account neo4j-etl\n  keymaker access --format dot",
		Args:    cobra.MaximumNArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			path, account := splitAccessArgs(args)
			return p.access(c.Context(), path, account, format)
		},
	}
	c.AddCommand(p.whyCommand())
	p.liveFlags(c)
	c.Flags().StringVar(&format, "format", "text", "how to show it: text, json, csv, dot")
	return c
}

// splitAccessArgs tells a path from an account: one argument is a path when there is a file of that name.
func splitAccessArgs(args []string) (path, account string) {
	switch len(args) {
	case 0:
		return ".", ""
	case 2:
		return args[0], args[1]
	}
	if _, err := os.Stat(args[0]); err == nil {
		return args[0], ""
	}
	return ".", args[0]
}

func (p *program) access(ctx context.Context, path, account, format string) error {
	s, err := p.open(ctx, path)
	if err != nil {
		return err
	}
	defer s.Close()
	lives, err := s.read(ctx)
	if err != nil {
		return err
	}
	state := merge(lives).Objects
	edges, tokens := reconcile.GraphOf(s.systems(), state)
	if account != "" {
		name, none, err := s.account(state, account)
		if err != nil {
			return err
		}
		if account = name; none != nil {
			p.out.warn("Account without access", none.What+". "+none.Remedy)
		}
	}
	doc, err := p.accessIn(format, edges, tokens, account)
	if err != nil {
		return err
	}
	if _, err := p.out.out.Write(doc); err != nil {
		return err
	}
	if account != "" && !hasAccess(edges, account) {
		for _, t := range tokens {
			if t.Account.Label() == account && !t.Gets() {
				p.out.warn("Account without access", account+" gets no token: "+t.Refused.Text+". "+t.Refused.Remedy)
			}
		}
		return exit{code: exitDiffers}
	}
	return nil
}

func (p *program) accessIn(format string, edges []reconcile.Edge, tokens []reconcile.Token, account string) ([]byte, error) {
	switch format {
	case "text":
		var b bytes.Buffer
		err := render.AccessText(&b, edges, tokens, account, p.out.style(p.out.out))
		return b.Bytes(), err
	case "json":
		return render.AccessJSON(edges, tokens, account)
	case "csv":
		return render.AccessCSV(edges, tokens, account)
	case "dot":
		return render.AccessDOT(edges, tokens, account), nil
	}
	return nil, fmt.Errorf("--format takes text, json, csv or dot, not %q", format)
}

func hasAccess(edges []reconcile.Edge, account string) bool {
	for _, e := range edges {
		if e.From.Kind == reconcile.NodeAccount && (e.From.Name == account || e.From.Label() == account) {
			return true
		}
	}
	return false
}
