package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"keymaker/okta/oktatest"
	"keymaker/reconcile"
)

// told is a story for a sandbox's org: its name, whom it is about, and the connection whose org it happens in, "" for the unnamed one.
type told struct {
	Story      string        `json:"story"`
	Cast       oktatest.Cast `json:"cast"`
	Connection string        `json:"connection,omitempty"`
}

func (p *program) sandboxStoryCommand(dir *string) *cobra.Command {
	t := told{Cast: oktatest.Cast{Server: "default"}}
	c := &cobra.Command{
		Use:   "story [NAME]",
		Short: "Change the sandbox's Okta behind keymaker's back",
		Long: `Story makes a change in the sandbox's Okta that an administrator might make at the console, so that drift reports have something to show.
Without a name it lists the stories. The org is that of a sandbox which runs in another terminal, else that of the folder.
The flags name whom a story is about; left out, they are those of the example service-account.

Exit codes: 0 done, 1 error.`,
		Example: "  keymaker sandbox story widen-profile\n  keymaker drift --sandbox",
		Args:    cobra.MaximumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return storyNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return listStories(p.out.out)
			}
			t.Story = args[0]
			if _, err := storyNamed(t.Story); err != nil {
				return err
			}
			return p.tellStory(c.Context(), *dir, t)
		},
	}
	f := c.Flags()
	f.StringVar(&t.Cast.App, "app", "neo4j-etl", "the app's `label`")
	f.StringVar(&t.Cast.Server, "server", "default", "the authorization server's `name`")
	f.StringVar(&t.Cast.Scope, "scope", "neo4j_groups", "the scope's `name`")
	f.StringVar(&t.Cast.Claim, "claim", "groups", "the claim's `name`")
	f.StringVar(&t.Cast.Policy, "policy", "neo4j-service-accounts", "the policy's `name`")
	f.StringVar(&t.Cast.Rule, "rule", "client-credentials", "the rule's `name`")
	f.StringVar(&t.Connection, "connection", "", "in the org of the connection of this `name`")
	return c
}

func storyNames() []string {
	var names []string
	for _, s := range oktatest.Stories() {
		names = append(names, s.Name)
	}
	return names
}

func storyNamed(name string) (oktatest.Story, error) {
	all := oktatest.Stories()
	i := slices.IndexFunc(all, func(s oktatest.Story) bool { return s.Name == name })
	if i < 0 {
		return oktatest.Story{}, fmt.Errorf("there is no story %q: take %s", name, strings.Join(storyNames(), ", "))
	}
	return all[i], nil
}

func listStories(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	for _, s := range oktatest.Stories() {
		fmt.Fprintf(table, "%s\t%s\n", s.Name, s.Doc)
	}
	return table.Flush()
}

// tellStory makes a story happen, in the sandbox that runs on the folder, or in the folder's own state.
func (p *program) tellStory(ctx context.Context, dir string, t told) error {
	b, err := readSandbox(dir)
	if err != nil {
		return err
	}
	if _, err := os.Stat(b.path("sandbox.json")); err != nil {
		return fmt.Errorf("there is no sandbox in %s: make one with `keymaker apply --sandbox` or `keymaker sandbox`", b.dir)
	}
	if _, ok := b.kept.Connections[reconcile.InstanceName("okta", t.Connection)]; !ok && t.Connection != "" {
		return fmt.Errorf("the sandbox in %s has no Okta for a connection %q", b.dir, t.Connection)
	}
	body, err := json.Marshal(t)
	if err != nil {
		return err
	}
	err = b.ask(ctx, "/story", body)
	if errors.Is(err, errNoSandbox) {
		return p.tellStopped(dir, b.kept.TLS, t)
	}
	return err
}

func (p *program) tellStopped(dir string, withTLS bool, t told) error {
	var instances []string
	if t.Connection != "" {
		instances = []string{reconcile.InstanceName("okta", t.Connection)}
	}
	box, err := startSandbox(dir, withTLS, instances, conditions{}, p.log)
	if err != nil {
		return err
	}
	defer box.close()
	return box.tell(t)
}

func (b *sandbox) tell(t told) error {
	story, err := storyNamed(t.Story)
	if err != nil {
		return err
	}
	org, err := b.org(t.Connection)
	if err != nil {
		return err
	}
	return story.Tell(org, t.Cast)
}

// org finds the Okta of a connection, "" for the unnamed one.
func (b *sandbox) org(connection string) (*oktatest.Server, error) {
	if connection == "" {
		return &b.okta, nil
	}
	if one := b.named[reconcile.InstanceName("okta", connection)]; one != nil && one.okta != nil {
		return one.okta, nil
	}
	return nil, fmt.Errorf("the sandbox runs no Okta for a connection %q", connection)
}

// answerStory is a running sandbox's side of tellStory.
func (b *sandbox) answerStory(w http.ResponseWriter, r *http.Request) {
	var t told
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&t)
	if err == nil {
		err = b.tell(t)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
	}
}
