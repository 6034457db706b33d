package specs

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// large is a spec of n objects, made by for_each of a map with four attributes, and others that refer to them one by one.
func large(n int) string {
	return fmt.Sprintf(`
locals {
  digits = range(10)
  keys   = flatten([for a in range(%d) : [for b in local.digits : [for c in local.digits : "svc-${a}-${b}-${c}"]]])
  services = { for i, k in local.keys : k => { role = "role_${i %% 7}", id = "job-${i}", tags = [k, "x"] } }
}
okta "app" "svc" {
  for_each    = local.services
  label       = "service ${each.key}"
  client_id   = each.value.id
  description = upper("for ${each.value.role}")
  profile     = { neo4j_groups = [each.value.role], tags = each.value.tags }
}
neo4j "role" "of" {
  for_each = okta.app.svc
  name     = "role_${each.key}"
  grant    = ["MATCH {*} ON GRAPH neo4j", "ACCESS ON DATABASE ${okta.app.svc[each.key].client_id}"]
}
`, n/200)
}

// BenchmarkLoad loads up to 10,000 objects.
func BenchmarkLoad(b *testing.B) {
	for _, n := range []int{1_000, 10_000} { // half of them of each kind, in hundreds
		b.Run(fmt.Sprint(n), func(b *testing.B) { load(b, large(n), n) })
	}
	small := func(n int) string {
		return strings.Replace(large(200), "in local.keys :", fmt.Sprintf("in slice(local.keys, 0, %d) :", n/2), 1)
	}
	for _, n := range []int{10, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) { load(b, small(n), n) })
	}
}

func load(b *testing.B, text string, n int) {
	dir := b.TempDir()
	write(b, dir, "main.hcl", text)
	b.ReportAllocs()
	for b.Loop() {
		spec, diags := Load(dir, toys(), Options{})
		if diags.HasErrors() || len(spec.Objects) != n {
			b.Fatalf("%d objects, %v", len(spec.Objects), diags)
		}
	}
}

// TestLoadStaysSmall: loading 10,000 objects allocates less than 200 MiB in all, and so never holds that much at once.
func TestLoadStaysSmall(t *testing.T) {
	const bound = 200 << 20
	dir := t.TempDir()
	write(t, dir, "main.hcl", large(10_000))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	spec, diags := Load(dir, toys(), Options{})
	runtime.ReadMemStats(&after)
	if diags.HasErrors() || len(spec.Objects) != 10_000 {
		t.Fatalf("%d objects, %v", len(spec.Objects), diags)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > bound {
		t.Errorf("10,000 objects allocate %d MiB, want at most %d", got>>20, bound>>20)
	}
}

// TestLoadIsLinear: twice the objects cost at most a little more than twice the memory; something quadratic would cost four times as much.
func TestLoadIsLinear(t *testing.T) {
	bytes := func(n int) int64 {
		dir := t.TempDir()
		write(t, dir, "main.hcl", large(n))
		return testing.Benchmark(func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if spec, diags := Load(dir, toys(), Options{}); len(spec.Objects) != n {
					b.Fatalf("%d objects of %d, %v", len(spec.Objects), n, diags)
				}
			}
		}).AllocedBytesPerOp()
	}
	small, big := bytes(400), bytes(1600)
	if big > 6*small {
		t.Errorf("400 objects allocate %d bytes, 1600 allocate %d", small, big)
	}
}
