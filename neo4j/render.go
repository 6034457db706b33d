package neo4j

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"

	"keymaker/reconcile"
)

// RenderConf writes settings as lines of neo4j.conf.
func RenderConf(lines []ConfLine) string {
	var b strings.Builder
	for _, l := range lines {
		fmt.Fprintf(&b, "%s=%s\n", l.Key, l.Value)
	}
	return b.String()
}

// shellName is what a POSIX shell, and with it an env file, takes as a variable's name.
var shellName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// RenderDocker writes settings as the official image takes them from its environment: NEO4J_ and the setting's name with "_" doubled and then "." made "_" (Operations
// Manual, "Docker configuration"). A name that no shell takes, such as that of a provider with a hyphen, cannot be passed so: those settings are given as lines for a
// mounted conf file instead, in comments that say so.
func RenderDocker(lines []ConfLine) string {
	var env, file strings.Builder
	for _, l := range lines {
		name := "NEO4J_" + strings.ReplaceAll(strings.ReplaceAll(l.Key, "_", "__"), ".", "_")
		if shellName.MatchString(name) {
			fmt.Fprintf(&env, "%s=%s\n", name, l.Value)
			continue
		}
		fmt.Fprintf(&file, "# %s=%s\n", l.Key, l.Value)
	}
	if file.Len() > 0 {
		env.WriteString("# No shell takes the names of these as variables. Mount a neo4j.conf into /conf that has them:\n" + file.String())
	}
	return env.String()
}

// RenderHelm writes settings as values of the official chart: a map config of settings to texts (Operations Manual, "Kubernetes").
func RenderHelm(lines []ConfLine) (string, error) {
	config := make(yaml.MapSlice, len(lines))
	for i, l := range lines {
		config[i] = yaml.MapItem{Key: l.Key, Value: l.Value}
	}
	text, err := yaml.Marshal(yaml.MapSlice{{Key: "config", Value: config}})
	return string(text), err
}

// ConfLines lists what neo4j.conf has to say for the oidc_providers among objects, in the order of the settings reference, the provider lists first. native stays the first
// provider asked. References have to be resolved: a value that is only known after apply is an error that names it.
func ConfLines(objects []reconcile.Object) ([]ConfLine, error) {
	entries := []string{"native"}
	var lines []ConfLine
	for _, o := range objects {
		if o.Addr.System != systemName || o.Addr.Kind != kindProvider || o.Absent {
			continue
		}
		if err := noSecrets(o); err != nil {
			return nil, err
		}
		name := liveName(o)
		entries = append(entries, providerEntry(name))
		for _, ps := range settingsTable() {
			v := o.Get(ps.attr)
			if v == nil || isEmpty(v) {
				continue
			}
			text, err := settingText(v)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", o.Addr, ps.attr, err)
			}
			lines = append(lines, ConfLine{Key: ps.key(name), Value: text})
		}
	}
	if len(lines) == 0 {
		return nil, nil
	}
	list, err := PrintSettingList(entries)
	if err != nil {
		return nil, err
	}
	return append([]ConfLine{{authenticationProviders, list}, {authorizationProviders, list}}, lines...), nil
}
