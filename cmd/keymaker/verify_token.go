package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"keymaker/neo4j"
	"keymaker/okta"
	"keymaker/reconcile"
	"keymaker/reconcile/render"
	"keymaker/specs"
)

// mostToken bounds a token's file: a header of HTTP takes no more.
const mostToken = 1 << 20

// verifyToken explains one token by a spec, by what the identity provider publishes, and by a login with it: no right of an administrator is used.
func (p *program) verifyToken(ctx context.Context, path string, wanted []string, f verifyFlags) error {
	if len(wanted) > 0 || f.negative {
		return errors.New("--token-file checks one token, whosever it is: it goes with neither ADDR nor --negative")
	}
	token, err := p.readToken(f.tokenFile)
	if err != nil {
		return err
	}
	spec, err := p.load(path)
	if err != nil {
		return err
	}
	env, err := p.environment(spec)
	if err != nil {
		return err
	}
	defer env.close()
	w := &tokenWalk{program: p, spec: spec, env: env, token: token, args: p.sameSpec(path)}
	v, err := w.walk(ctx, f.claims)
	if err != nil {
		return err
	}
	if err := p.showProofs(v, w.target, f.docs.json); err != nil {
		return err
	}
	if err := f.docs.write(v, w.target); err != nil {
		return err
	}
	return brokenCode(v.Proofs, exitDiffers)
}

// readToken reads the token in a file, - for standard input. It warns of a file that others may read, since whoever has a token can log in with it until it expires.
func (p *program) readToken(file string) (okta.FileToken, error) {
	fail := func(err error) (okta.FileToken, error) {
		return okta.FileToken{}, fmt.Errorf("read the token: %w", err)
	}
	from, in := file, p.out.in
	switch file {
	case "":
		return okta.FileToken{}, errors.New("--token-file names no file: give one, or - for standard input")
	case "-":
		from = "standard input"
	default:
		opened, err := os.Open(file)
		if err != nil {
			return fail(err)
		}
		defer opened.Close()
		info, err := opened.Stat()
		switch {
		case err != nil:
			return fail(err)
		case info.IsDir():
			return okta.FileToken{}, fmt.Errorf("%s: is a folder: it should be a file with one token", file)
		case info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows": // where these bits say nothing
			p.out.warn("Others may read this token", fmt.Sprintf("%s has mode %04o, and whoever has the token can log in with it until it expires. chmod 600 it, or delete it.", file, info.Mode().Perm()))
		}
		in = opened
	}
	text, err := io.ReadAll(io.LimitReader(in, mostToken+1))
	switch {
	case err != nil:
		return fail(err)
	case len(text) > mostToken:
		return okta.FileToken{}, fmt.Errorf("%s: is larger than any token (%d bytes at most)", from, mostToken)
	}
	return okta.ReadToken(from, text)
}

// showProofs writes proofs that are complete.
func (p *program) showProofs(v reconcile.Verification, target string, asJSON bool) error {
	if !asJSON {
		fmt.Fprintln(p.out.out)
		return render.Proofs(p.out.out, v, target, p.out.style(p.out.out))
	}
	events := render.NewEvents(p.out.out)
	for _, proof := range v.Proofs {
		for _, h := range proof.Hops {
			events.Observe(reconcile.Hopped{Account: proof.Account, Hop: h})
		}
		events.Observe(reconcile.Proven{Proof: proof})
	}
	events.Verdict(v)
	return events.Close()
}

// tokenWalk is the way of one token.
type tokenWalk struct {
	*program
	spec   *specs.Spec
	env    environment
	token  okta.FileToken
	args   string // what commands that hops name are given besides
	target string // where it logs in, "" when that is not known
}

func (w *tokenWalk) walk(ctx context.Context, claims bool) (reconcile.Verification, error) {
	public, err := okta.OpenPublic(w.caFile)
	if err != nil {
		return reconcile.Verification{}, err
	}
	resolve, open := w.publicFacts(ctx, public)
	var objects []reconcile.Object
	for _, o := range w.spec.Objects {
		objects = append(objects, reconcile.ResolveObject(o, resolve))
	}
	provider, err := w.provider(objects)
	if err != nil {
		return reconcile.Verification{}, err
	}
	hops := public.Examine(ctx, w.token, provider, neo4j.ExpectationOf(provider), time.Now())
	for i, h := range hops {
		if h.Status == reconcile.HopSkip && len(open) > 0 && h.Name == "discovery" {
			hops[i].Text += ": " + strings.Join(open, "; ")
		}
	}
	db, err := w.database(ctx, provider.Addr.Connection)
	if err != nil {
		return reconcile.Verification{}, err
	}
	if db != nil {
		defer db.Close(ctx)
		w.target = db.URI()
	}
	more, row := db.Examine(ctx, w.token.Token, w.token.Claims, provider, objects, hops)
	proof := reconcile.Proof{Account: reconcile.Account{Addr: provider.Addr, Name: provider.Addr.Name, Range: provider.Range}, Hops: append(hops, more...), Row: row}
	for i, h := range proof.Hops {
		proof.Hops[i].See = reconcile.WithArgs(h.See, w.args)
	}
	if claims {
		proof.Claims = w.token.Claims
	}
	return reconcile.Verification{Proofs: []reconcile.Proof{proof}}, nil
}

// publicFacts answers references to authorization servers from what everybody may know of them. open says what stays unknown, and why.
func (w *tokenWalk) publicFacts(ctx context.Context, public *okta.Public) (resolve reconcile.Resolver, open []string) {
	index := reconcile.NewIndex(w.spec.Objects)
	for _, o := range w.spec.Objects {
		if o.Addr.System != "okta" || o.Addr.Kind != "authorization_server" || o.Absent {
			continue
		}
		facts, err := public.Facts(ctx, o, w.env.connection(w.spec, o.Addr.Instance()), w.env.lookup)
		if err != nil {
			open = append(open, err.Error())
		}
		index.Learn(o.Addr, facts)
	}
	return index.Lookup, open
}

// provider chooses the provider of the spec that the token is meant for: the one of its issuer, else the first.
func (w *tokenWalk) provider(objects []reconcile.Object) (reconcile.Object, error) {
	var all []reconcile.Object
	for _, o := range objects {
		if o.Addr.System == "neo4j" && o.Addr.Kind == "oidc_provider" && !o.Absent {
			all = append(all, o)
		}
	}
	if len(all) == 0 {
		return reconcile.Object{}, errors.New("the spec declares no neo4j \"oidc_provider\": there is nothing that would take a token")
	}
	i := slices.IndexFunc(all, func(o reconcile.Object) bool {
		x := neo4j.ExpectationOf(o)
		return w.token.Issuer() != "" && (x.Issuer == w.token.Issuer() || x.Issuer == "" && strings.HasPrefix(x.Discovery, w.token.Issuer()+"/.well-known/"))
	})
	return all[max(i, 0)], nil
}

// database prepares a connection without a user; nil when nobody names the server.
func (w *tokenWalk) database(ctx context.Context, name string) (*neo4j.System, error) {
	conn := w.env.connection(w.spec, reconcile.InstanceName("neo4j", name))
	if _, set := w.env.lookup(reconcile.Variable("NEO4J_URI", name)); !set && conn.Text("uri", "") == "" {
		return nil, nil
	}
	return neo4j.Open(ctx, conn, neo4j.Options{Connection: name, Env: w.env.lookup, CAFile: w.caFile, UserAgent: userAgent(), Log: w.log, OnWait: w.onWait(), TokensOnly: true})
}
