package main

import (
	"context"
	"maps"
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
	stop <-chan struct{}
	owns []reconcile.Own // what the spec, or a saved plan, owns
}

// open is the way of every command that talks to the systems: start the sandbox if asked for, load, connect.
func (p *program) open(ctx context.Context, path string) (*session, error) {
	spec, err := p.load(path)
	if err != nil {
		return nil, err
	}
	return p.connect(ctx, spec)
}

// connect starts the sandbox if asked for, and opens the systems of a spec.
func (p *program) connect(ctx context.Context, spec *specs.Spec) (*session, error) {
	env, err := p.environment(spec)
	if err != nil {
		return nil, err
	}
	w, err := p.openWorld(ctx, spec, env)
	if err != nil {
		env.close()
		return nil, err
	}
	return &session{world: w, spec: spec, env: env, stop: p.stop, owns: spec.Owns}, nil
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
	ctx, end := s.untilStopped(ctx)
	defer end()
	lives := make([]reconcile.Live, len(s.systems()))
	group, ctx := errgroup.WithContext(ctx)
	for i, sys := range s.systems() {
		if owner, ok := sys.(reconcile.Owner); ok {
			owner.Own(slices.DeleteFunc(slices.Clone(s.owns), func(own reconcile.Own) bool { return own.Instance() != sys.Name() }))
		}
		group.Go(func() error {
			var err error
			lives[i], err = sys.Read(ctx, reconcile.ObjectsOf(sys.Name(), s.spec.Objects))
			return err
		})
	}
	err := group.Wait()
	if err != nil && isClosed(s.stop) { // however a driver words it
		err = context.Canceled
	}
	return lives, err
}

func isClosed(stop <-chan struct{}) bool {
	select {
	case <-stop:
		return true
	default:
		return false
	}
}

// untilStopped is a context for what only reads: the first Ctrl-C ends it.
func (s *session) untilStopped(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-s.stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// compare is stage 4, over what both systems answered.
func (s *session) compare(lives []reconcile.Live) reconcile.Drift {
	drift := reconcile.Compare(kinds(), s.spec.Objects, merge(lives))
	for _, own := range s.owns {
		for _, sys := range s.systems() {
			if owner, ok := sys.(reconcile.Owner); ok && sys.Name() == own.Instance() {
				extra, err := owner.Owned(own, reconcile.ObjectsOf(sys.Name(), s.spec.Objects))
				drift.AddExtra(own, extra)
				if err != nil {
					drift.AddUnread(own, err)
				}
			}
		}
	}
	return drift
}

// sight is one look at both systems.
type sight struct {
	lives []reconcile.Live
	drift reconcile.Drift
}

// look is stages 3 and 4.
func (s *session) look(ctx context.Context) (sight, error) {
	lives, err := s.read(ctx)
	if err != nil {
		return sight{}, err
	}
	return sight{lives, s.compare(lives)}, nil
}

func (v sight) objects() []reconcile.Object { return reconcile.Everything(v.lives, v.drift) }

func (v sight) targets() []reconcile.Target {
	var targets []reconcile.Target
	for _, l := range v.lives {
		targets = append(targets, l.Target)
	}
	return targets
}

// loginURL is the server that proofs log in to; "" where there are several, and where there is none.
func (s *session) loginURL(v sight) string {
	url := ""
	for _, n := range s.neo4j {
		for _, t := range v.targets() {
			if t.System == n.Name() && url != "" {
				return ""
			}
			if t.System == n.Name() {
				url = t.URL
			}
		}
	}
	return url
}

// merge makes one live state of the systems' answers.
func merge(lives []reconcile.Live) reconcile.Live {
	all := reconcile.Live{Unread: make(map[reconcile.Addr]error), Due: make(map[reconcile.Addr][]reconcile.Diff)}
	for _, l := range lives {
		all.Objects = append(all.Objects, l.Objects...)
		maps.Copy(all.Due, l.Due)
		for a, err := range l.Unread {
			all.Unread[a] = err
		}
	}
	slices.SortFunc(all.Objects, func(a, b reconcile.Object) int { return reconcile.CompareAddr(a.Addr, b.Addr) })
	return all
}

// plan is stages 3 to 6.
func (p *program) plan(ctx context.Context, s *session, ch choice) (reconcile.Plan, []reconcile.Live, error) {
	seen, err := s.look(ctx) // 3 read, 4 compare
	if err != nil {
		return reconcile.Plan{}, nil, err
	}
	changes, kept, diags := reconcile.Police(seen.drift, ch.policy) // 5 police
	if p.out.diagnose(diags, s.spec.Files) {
		return reconcile.Plan{}, nil, exit{code: exitError}
	}
	drift, changes, part, err := ch.selection.Apply(seen.drift, changes, ch.policy.Destroy)
	if err != nil {
		return reconcile.Plan{}, nil, err
	}
	if err := ch.limits().Check(seen.drift, changes); err != nil {
		return reconcile.Plan{}, nil, err
	}
	plan, err := reconcile.BuildPlan(s.systems(), reconcile.WithOwned(seen.lives, seen.drift), drift, changes) // 6 step, order
	if !ch.policy.Destroy {
		plan.Findings = reconcile.Check(s.systems(), reconcile.Desired(seen.drift))
	}
	plan.Kept, plan.Destroy, plan.Partial, plan.Parallel = kept, ch.policy.Destroy, part, ch.parallel
	return plan, seen.lives, err
}

// replan looks again at what a plan rests on, after a pause in which anything may have happened, and plans what is left of it. What moved is an error that names it.
func (p *program) replan(ctx context.Context, s *session, plan reconcile.Plan, lives []reconcile.Live) (reconcile.Plan, []reconcile.Live, error) {
	whole := s.spec.Objects
	s.spec.Objects = reconcile.Context(whole, plan.Touched())
	now, err := s.look(ctx)
	s.spec.Objects = whole
	if err != nil {
		return plan, nil, err
	}
	check := plan.Recheck(reconcile.Everything(lives, plan.Drift), now.objects(), now.drift)
	if err := p.tellRecheck(check, false); err != nil {
		return plan, nil, err
	}
	left, err := plan.Remake(s.systems(), now.lives, now.drift, check)
	return left, now.lives, err
}

// places finds the lines of the spec that was loaded.
func (p *program) places() render.Place {
	if p.spec == nil {
		return nil
	}
	return places(p.spec.Objects)
}
