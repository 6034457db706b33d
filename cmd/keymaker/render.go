package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"keymaker/neo4j"
	"keymaker/reconcile"
	"keymaker/specs"
)

func (p *program) renderCommand() *cobra.Command {
	var flags renderFlags
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

Where the spec has providers on several connections, --connection says which, or --out receives a file for each.

A provider with token_secrets is not rendered: what render writes is printed.

Exit codes: 0 done, 1 error.`,
		Example: "  keymaker render --format helm specs/examples/guide",
		Args:    oneArg,
		RunE: func(c *cobra.Command, args []string) error {
			return p.render(c.Context(), pathArg(args), flags)
		},
	}
	p.liveFlags(c)
	c.Flags().StringVar(&flags.format, "format", "conf", "what to print: conf, docker, helm, discovery")
	c.Flags().StringVar(&flags.connection, "connection", "", "print for this `connection` only, neo4j.eu, or neo4j for the unnamed one")
	c.Flags().StringVar(&flags.out, "out", "", "write a file for each connection into this `folder`: neo4j.conf, neo4j-eu.conf, …")
	return c
}

// renderFlags say what is printed and where to.
type renderFlags struct{ format, connection, out string }

func (p *program) render(ctx context.Context, path string, flags renderFlags) error {
	if renderFiles[flags.format] == "" {
		return fmt.Errorf("--format takes conf, docker, helm or discovery, not %q", flags.format)
	}
	spec, err := p.load(path)
	if err != nil {
		return err
	}
	on, err := flags.choose(spec)
	if err != nil {
		return err
	}
	env, err := p.environment(spec)
	if err != nil {
		return err
	}
	defer env.close()
	objects, err := p.withIssuers(ctx, spec, env)
	if err != nil {
		return err
	}
	for _, connection := range on {
		text, err := p.renderOne(ctx, reconcile.ObjectsOf(reconcile.InstanceName("neo4j", connection), objects), neoURI(spec, env, connection), flags.format)
		if err != nil {
			return err
		}
		if flags.out == "" {
			_, err = io.WriteString(p.out.out, text)
		} else if err = os.MkdirAll(flags.out, 0o755); err == nil {
			err = renameio.WriteFile(filepath.Join(flags.out, renderFile(connection, flags.format)), []byte(text), 0o644)
		}
		if err != nil {
			return fmt.Errorf("write the settings: %w", err)
		}
	}
	return nil
}

// choose lists the connections whose providers are rendered.
func (f renderFlags) choose(spec *specs.Spec) ([]string, error) {
	var have, names []string
	for _, o := range spec.Objects {
		if o.Addr.System == "neo4j" && o.Addr.Kind == "oidc_provider" && !o.Absent && !slices.Contains(have, o.Addr.Connection) {
			have = append(have, o.Addr.Connection)
		}
	}
	slices.Sort(have)
	for _, name := range have {
		names = append(names, reconcile.InstanceName("neo4j", name))
	}
	switch i := slices.Index(names, f.connection); {
	case len(have) == 0:
		return nil, errors.New("the spec declares no neo4j oidc_provider: there is nothing to render")
	case f.connection != "" && i < 0:
		return nil, fmt.Errorf("--connection %s: the spec has no providers there; it has them on %s", f.connection, strings.Join(names, ", "))
	case f.connection != "":
		return have[i : i+1], nil
	case len(have) > 1 && f.out == "":
		return nil, fmt.Errorf("the spec has providers on %s: say which with --connection, or give --out, a folder that receives a file for each", strings.Join(names, ", "))
	}
	return have, nil
}

// renderFiles are how the files begin and end, by format.
var renderFiles = map[string]string{"conf": ".conf", "docker": ".env", "helm": ".yaml", "discovery": ".json"}

// renderFile names the file of a connection.
func renderFile(connection, format string) string {
	if connection == "" {
		return "neo4j" + renderFiles[format]
	}
	return "neo4j-" + connection + renderFiles[format]
}

// withIssuers reads every Okta of the spec for what only it knows, and gives the objects as they should be.
func (p *program) withIssuers(ctx context.Context, spec *specs.Spec, env environment) ([]reconcile.Object, error) {
	var lives []reconcile.Live
	for _, name := range connectionsOf(spec, "okta") {
		o, err := p.openOkta(ctx, spec, env, name, nil)
		if err != nil {
			return nil, err
		}
		live, err := o.Read(ctx, reconcile.ObjectsOf(o.Name(), spec.Objects))
		if err != nil {
			return nil, err
		}
		lives = append(lives, live)
	}
	return reconcile.Desired(reconcile.Compare(kinds(), spec.Objects, merge(lives))), nil
}

func (p *program) renderOne(ctx context.Context, objects []reconcile.Object, uri, format string) (string, error) {
	lines, err := neo4j.ConfLines(objects)
	if err != nil {
		return "", fmt.Errorf("%w: apply the spec first, or write the value out", err)
	}
	if lines == nil {
		return "", errors.New("the spec's providers have no settings: there is nothing to render")
	}
	if format == "discovery" {
		return p.renderDiscovery(ctx, objects, uri)
	}
	return renderLines(lines, format)
}

// neoURI is where the spec or the environment says that the Neo4j of a connection is; "" when neither does.
func neoURI(spec *specs.Spec, env environment, connection string) string {
	if uri := env.connection(spec, reconcile.InstanceName("neo4j", connection)).Text("uri", ""); uri != "" {
		return uri
	}
	uri, _ := env.lookup(reconcile.Variable("NEO4J_URI", connection))
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
	case "docker":
		return neo4j.RenderDocker(lines), nil
	case "helm":
		return neo4j.RenderHelm(lines)
	}
	return neo4j.RenderConf(lines), nil
}
