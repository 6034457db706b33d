package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"keymaker/neo4j"
	"keymaker/reconcile"
)

func (p *program) renderCommand() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "render [PATH]",
		Short: "Print the settings of the declared OIDC providers for neo4j.conf, Docker or Helm",
		Long: `Render prints what Neo4j has to be configured with for the spec's OIDC providers, for those who deploy their settings by other
means. It reads Okta for what only Okta knows (issuer, audience, client ids), does not ask Neo4j, and writes nothing.

Exit codes: 0 done, 1 error.`,
		Example: "  keymaker render --format helm specs/examples/guide",
		Args:    oneArg,
		RunE: func(c *cobra.Command, args []string) error {
			return p.render(c.Context(), pathArg(args), format)
		},
	}
	p.liveFlags(c)
	c.Flags().StringVar(&format, "format", "conf", "what to print: conf, docker, helm")
	return c
}

func (p *program) render(ctx context.Context, path, format string) error {
	spec, err := p.load(path)
	if err != nil {
		return err
	}
	env, err := p.environment()
	if err != nil {
		return err
	}
	defer env.close()
	o, err := p.openOkta(ctx, spec, env, "")
	if err != nil {
		return err
	}
	live, err := o.Read(ctx, reconcile.ObjectsOf(o.Name(), spec.Objects))
	if err != nil {
		return err
	}
	drift := reconcile.Compare(kinds(), spec.Objects, live)
	lines, err := neo4j.ConfLines(reconcile.Desired(drift))
	if err != nil {
		return fmt.Errorf("%w: apply the spec first, or write the value out", err)
	}
	if lines == nil {
		return errors.New("the spec declares no neo4j oidc_provider: there is nothing to render")
	}
	text, err := renderLines(lines, format)
	if err != nil {
		return err
	}
	_, err = io.WriteString(p.out.out, text)
	return err
}

func renderLines(lines []neo4j.ConfLine, format string) (string, error) {
	switch format {
	case "conf":
		return neo4j.RenderConf(lines), nil
	case "docker":
		return neo4j.RenderDocker(lines), nil
	case "helm":
		return neo4j.RenderHelm(lines)
	}
	return "", fmt.Errorf("--format takes conf, docker or helm, not %q", format)
}
