package main

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func (p *program) sandboxCommand() *cobra.Command {
	var dir string
	var withTLS bool
	c := &cobra.Command{
		Use:   "sandbox",
		Short: "Run the embedded Okta and Neo4j on loopback, for any client",
		Long: `Sandbox runs an emulated Okta org and an emulated Neo4j Enterprise in the foreground, and prints the variables to export: then
keymaker, curl, the official drivers and cypher-shell work against them unchanged. What is not emulated answers "not emulated",
never a guess. The state is kept in the folder; delete it to start afresh. Ctrl-C ends it.

Exit codes: 0 done, 1 error.`,
		Example: "  keymaker sandbox --tls",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return p.runSandbox(c.Context(), dir, withTLS)
		},
	}
	c.Flags().BoolVar(&withTLS, "tls", false, "serve HTTPS and Bolt with TLS, under a CA made in the folder")
	c.PersistentFlags().StringVar(&dir, "dir", sandboxDir, "keep state, neo4j.conf and certificates in this `folder`")
	c.AddCommand(p.sandboxRestartCommand(&dir))
	return c
}

func (p *program) runSandbox(ctx context.Context, dir string, withTLS bool) error {
	box, err := startSandbox(dir, withTLS, p.log)
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
	restart, err := json.Marshal([]string{self, "sandbox", "restart", "--dir", b.dir})
	if err != nil {
		return err
	}
	var text strings.Builder
	fmt.Fprintf(&text, "# The embedded Okta and Neo4j run until Ctrl-C; their state is in %s.\n", b.dir)
	fmt.Fprintln(&text, "# In another terminal:")
	for _, v := range append(b.variables(), [2]string{"KEYMAKER_NEO4J_RESTART", string(restart)}) {
		fmt.Fprintf(&text, "export %s=%s\n", v[0], shellQuote(v[1]))
	}
	fmt.Fprintln(&text, "# ready")
	_, err = io.WriteString(w, text.String())
	return err
}

// shellQuote makes s one word of a POSIX shell.
func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// serveControl listens on loopback for `keymaker sandbox restart`, which stands in for `systemctl restart neo4j`.
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
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+b.kept.OktaToken)) != 1 {
			http.Error(w, "wrong token", http.StatusUnauthorized)
			return
		}
		if err := b.neo4j.Restart(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(listener) }() // ends with Close
	return server, nil
}

func (p *program) sandboxRestartCommand(dir *string) *cobra.Command {
	return &cobra.Command{
		Use:   "restart",
		Short: "Restart the Neo4j of a sandbox that runs in another terminal",
		Long: `Restart makes the sandbox's Neo4j read its neo4j.conf again, as a restart of the service would. It is what a spec's restart
command is elsewhere.

Exit codes: 0 restarted, 1 error.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return restartSandbox(c.Context(), *dir) },
	}
}

func restartSandbox(ctx context.Context, dir string) error {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	b := &sandbox{dir: abs}
	if err := b.load(); err != nil {
		return err
	}
	if b.kept.ControlAddr == "" {
		return fmt.Errorf("no sandbox runs on %s: start one with `keymaker sandbox`", b.dir)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+b.kept.ControlAddr+"/restart", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+b.kept.OktaToken)
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("no sandbox answers on %s: %w", b.dir, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<16))
		return fmt.Errorf("restart Neo4j: %s", strings.TrimSpace(string(text)))
	}
	return nil
}
