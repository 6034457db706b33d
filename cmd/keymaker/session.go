package main

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"keymaker/reconcile"
	"keymaker/reconcile/render"
	"keymaker/specs"
)

// session is a spec with its systems opened.
type session struct {
	*world
	spec *specs.Spec
	env  environment
}

// open is the way of every command that talks to the systems: start the sandbox if asked for, load, connect.
func (p *program) open(ctx context.Context, path string) (*session, error) {
	spec, err := p.load(path)
	if err != nil {
		return nil, err
	}
	env, err := p.environment()
	if err != nil {
		return nil, err
	}
	w, err := p.openWorld(ctx, spec, env)
	if err != nil {
		env.close()
		return nil, err
	}
	return &session{world: w, spec: spec, env: env}, nil
}

// Close ends the connections, and the sandbox if there is one.
func (s *session) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	s.world.Close(ctx)
	s.env.close()
}

// read is stage 3: both systems at once.
func (s *session) read(ctx context.Context) ([]reconcile.Live, error) {
	lives := make([]reconcile.Live, len(s.systems()))
	group, ctx := errgroup.WithContext(ctx)
	for i, sys := range s.systems() {
		group.Go(func() error {
			var err error
			lives[i], err = sys.Read(ctx, reconcile.ObjectsOf(sys.Name(), s.spec.Objects))
			return err
		})
	}
	return lives, group.Wait()
}

// compare is stage 4, over what both systems answered.
func (s *session) compare(lives []reconcile.Live) reconcile.Drift {
	return reconcile.Compare(kinds(), s.spec.Objects, merge(lives))
}

// merge makes one live state of the systems' answers.
func merge(lives []reconcile.Live) reconcile.Live {
	all := reconcile.Live{Unread: make(map[reconcile.Addr]error)}
	for _, l := range lives {
		all.Objects = append(all.Objects, l.Objects...)
		for a, err := range l.Unread {
			all.Unread[a] = err
		}
	}
	slices.SortFunc(all.Objects, func(a, b reconcile.Object) int { return reconcile.CompareAddr(a.Addr, b.Addr) })
	return all
}

// plan is stages 3 to 6.
func (p *program) plan(ctx context.Context, s *session, policy reconcile.Policy) (reconcile.Plan, []reconcile.Live, error) {
	lives, err := s.read(ctx) // 3 read
	if err != nil {
		return reconcile.Plan{}, nil, err
	}
	drift := s.compare(lives)                               // 4 compare
	changes, kept, diags := reconcile.Police(drift, policy) // 5 police
	if p.out.diagnose(diags, s.spec.Files) {
		return reconcile.Plan{}, nil, exit{code: exitError}
	}
	plan, err := reconcile.BuildPlan(s.systems(), lives, drift, changes) // 6 step, order
	plan.Kept, plan.Destroy = kept, policy.Destroy
	return plan, lives, err
}

// places finds the lines of the spec that was loaded.
func (p *program) places() render.Place {
	if p.spec == nil {
		return nil
	}
	return places(p.spec.Objects)
}
