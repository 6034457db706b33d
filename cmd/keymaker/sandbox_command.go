package main

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"keymaker/reconcile"
)

func (p *program) sandboxCommand() *cobra.Command {
	var dir string
	var withTLS bool
	var connections connectionFlag
	var under conditions
	c := &cobra.Command{
		Use:   "sandbox",
		Short: "Run the embedded Okta and Neo4j on loopback, for any client",
		Long: `Sandbox runs an emulated Okta org and an emulated Neo4j Enterprise in the foreground, and prints the variables to export: then
keymaker, curl, the official drivers and cypher-shell work against them unchanged. What is not emulated answers "not emulated",
never a guess. The state is kept in the folder; delete it to start afresh. Ctrl-C ends it.

A spec with named connections needs a server for each: --connection neo4j=eu starts one, and its variables end with _EU.
What the folder has had once is started again. With --latency and --rate-limits it is as slow, and as strict, as real servers.

Exit codes: 0 done, 1 error.`,
		Example: "  keymaker sandbox --tls",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return p.runSandbox(c.Context(), dir, withTLS, connections, under)
		},
	}
	c.Flags().BoolVar(&withTLS, "tls", false, "serve HTTPS and Bolt with TLS, under a CA made in the folder")
	c.Flags().Var(&connections, "connection", "run a server for this named connection too: neo4j=eu; may be repeated")
	under.flags(c.Flags())
	c.PersistentFlags().StringVar(&dir, "dir", sandboxDir, "keep state, neo4j.conf and certificates in this `folder`")
	c.AddCommand(p.sandboxRestartCommand(&dir), p.sandboxStoryCommand(&dir))
	return c
}

func (p *program) runSandbox(ctx context.Context, dir string, withTLS bool, instances []string, under conditions) error {
	kept, err := readSandbox(dir)
	if err != nil {
		return err
	}
	instances = append(instances, slices.Sorted(maps.Keys(kept.kept.Connections))...)
	box, err := startSandbox(dir, withTLS, instances, under, p.log)
	if err != nil {
		return err
	}
	defer box.close()
	control, err := box.serveControl()
	if err != nil {
		return err
	}
	defer control.Close()
	if err := box.print(p.out.out); err != nil {
		return err
	}
	select {
	case <-p.stop:
	case <-ctx.Done():
	}
	return nil
}

// print writes the variables as shell lines; values are quoted, and everything that is not a variable is a comment, so that the whole can be sourced.
func (b *sandbox) print(w io.Writer) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	command := []string{self, "sandbox", "restart", "--dir", b.dir}
	vars := append(b.variables(), [2]string{"KEYMAKER_NEO4J_RESTART", jsonWords(command)})
	for _, id := range slices.Sorted(maps.Keys(b.named)) {
		if one := b.named[id]; one.neo4j != nil {
			vars = append(vars, [2]string{reconcile.Variable("KEYMAKER_NEO4J_RESTART", one.name), jsonWords(append(slices.Clip(command), "--connection", one.name))})
		}
	}
	var text strings.Builder
	fmt.Fprintf(&text, "# The embedded Okta and Neo4j run until Ctrl-C; their state is in %s.\n", b.dir)
	fmt.Fprintln(&text, "# In another terminal:")
	for _, v := range vars {
		fmt.Fprintf(&text, "export %s=%s\n", v[0], shellQuote(v[1]))
	}
	fmt.Fprintln(&text, "# ready")
	_, err = io.WriteString(w, text.String())
	return err
}

// jsonWords writes a command as KEYMAKER_NEO4J_RESTART takes it.
func jsonWords(words []string) string {
	text, _ := json.Marshal(words) // texts always can be
	return string(text)
}

// shellQuote makes s one word of a POSIX shell.
func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// serveControl listens on loopback for `keymaker sandbox restart`, which stands in for `systemctl restart neo4j`, and for `keymaker sandbox story`.
func (b *sandbox) serveControl() (*http.Server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b.kept.ControlAddr = listener.Addr().String()
	if err := b.save(); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /restart", func(w http.ResponseWriter, r *http.Request) {
		db, err := b.database(r.URL.Query().Get("connection"))
		if err == nil {
			err = db.Restart()
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	mux.HandleFunc("POST /story", b.answerStory)
	server := &http.Server{Handler: b.guarded(mux), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(listener) }() // ends with Close
	return server, nil
}

// guarded lets only those in who have the folder's token.
func (b *sandbox) guarded(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+b.kept.OktaToken)) != 1 {
			http.Error(w, "wrong token", http.StatusUnauthorized)
			return
		}
		h.ServeHTTP(w, r)
	})
}

func (p *program) sandboxRestartCommand(dir *string) *cobra.Command {
	var connection string
	c := &cobra.Command{
		Use:   "restart",
		Short: "Restart the Neo4j of a sandbox that runs in another terminal",
		Long: `Restart makes the sandbox's Neo4j read its neo4j.conf again, as a restart of the service would. It is what a spec's restart
command is elsewhere.

Exit codes: 0 restarted, 1 error.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return restartSandbox(c.Context(), *dir, connection) },
	}
	c.Flags().StringVar(&connection, "connection", "", "restart the Neo4j of the connection of this `name`")
	return c
}

// readSandbox reads what a folder keeps of its sandbox, which need not run.
func readSandbox(dir string) (*sandbox, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	b := &sandbox{dir: abs}
	return b, b.load()
}

func restartSandbox(ctx context.Context, dir, connection string) error {
	b, err := readSandbox(dir)
	if err != nil {
		return err
	}
	if err := b.ask(ctx, "/restart?connection="+url.QueryEscape(connection), nil); err != nil {
		return fmt.Errorf("restart Neo4j: %w", err)
	}
	return nil
}

// errNoSandbox says that no sandbox runs on a folder.
var errNoSandbox = errors.New("no sandbox runs there: start one with `keymaker sandbox`")

// ask makes a call to the sandbox that runs on the folder.
func (b *sandbox) ask(ctx context.Context, path string, body []byte) error {
	if b.kept.ControlAddr == "" {
		return fmt.Errorf("%s: %w", b.dir, errNoSandbox)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+b.kept.ControlAddr+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+b.kept.OktaToken)
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("%s: %w (%w)", b.dir, errNoSandbox, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<16))
		return errors.New(strings.TrimSpace(string(text)))
	}
	return nil
}
