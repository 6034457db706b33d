package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"keymaker/neo4j"
	"keymaker/reconcile"
	"keymaker/specs"
)

func (p *program) renderCommand() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "render [PATH]",
		Short: "Print the settings of the declared OIDC providers for neo4j.conf, Docker, Helm or Browser",
		Long: `Render prints what Neo4j has to be configured with for the spec's OIDC providers, for those who deploy their settings by other
means. It reads Okta for what only Okta knows (issuer, audience, client ids), does not ask Neo4j, and writes nothing.

  conf       lines of neo4j.conf
  docker     variables for the official image; settings whose names no shell takes as lines for a mounted neo4j.conf
  helm       values of the official chart
  discovery  the document that Neo4j Browser and Bloom read to offer a login. What the settings leave to the identity
             provider is asked there. A provider that Browser would leave out is a warning.

A provider with token_secrets is not rendered: what render writes is printed.

Exit codes: 0 done, 1 error.`,
		Example: "  keymaker render --format helm specs/examples/guide",
		Args:    oneArg,
		RunE: func(c *cobra.Command, args []string) error {
			return p.render(c.Context(), pathArg(args), format)
		},
	}
	p.liveFlags(c)
	c.Flags().StringVar(&format, "format", "conf", "what to print: conf, docker, helm, discovery")
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
	objects := reconcile.Desired(drift)
	lines, err := neo4j.ConfLines(objects)
	if err != nil {
		return fmt.Errorf("%w: apply the spec first, or write the value out", err)
	}
	if lines == nil {
		return errors.New("the spec declares no neo4j oidc_provider: there is nothing to render")
	}
	text, err := "", error(nil)
	if format == "discovery" {
		text, err = p.renderDiscovery(ctx, objects, neoURI(spec, env))
	} else {
		text, err = renderLines(lines, format)
	}
	if err != nil {
		return err
	}
	_, err = io.WriteString(p.out.out, text)
	return err
}

// neoURI is where the spec or the environment says that Neo4j is; "" when neither does.
func neoURI(spec *specs.Spec, env environment) string {
	if uri := env.connection(spec, "neo4j").Text("uri", ""); uri != "" {
		return uri
	}
	uri, _ := env.lookup("NEO4J_URI")
	return uri
}

func (p *program) renderDiscovery(ctx context.Context, objects []reconcile.Object, uri string) (string, error) {
	fetch, err := neo4j.FetchEndpoints(ctx, p.caFile)
	if err != nil {
		return "", err
	}
	text, lacks, err := neo4j.RenderDiscovery(objects, uri, fetch)
	for _, what := range lacks {
		p.out.warn("Provider is not offered", what)
	}
	return text, err
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
	return "", fmt.Errorf("--format takes conf, docker, helm or discovery, not %q", format)
}
