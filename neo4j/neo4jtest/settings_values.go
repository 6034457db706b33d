package neo4jtest

import (
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"
)

// valueKind is a setting's type: parse checks a value and gives its printed form, or says what is wrong with it.
type valueKind struct {
	valid string // validValues of SHOW SETTINGS, without what a setting adds to it
	parse func(value string) (string, error)
}

var (
	textValue = valueKind{"A string", func(v string) (string, error) { return v, nil }}
	boolValue = valueKind{"A boolean", func(v string) (string, error) {
		switch strings.ToLower(strings.TrimSpace(v)) {
		case "true", "false":
			return strings.ToLower(strings.TrimSpace(v)), nil
		}
		return "", fmt.Errorf("'%s' is not a valid boolean value, must be 'true' or 'false'", v)
	}}
	intValue = valueKind{"An integer", func(v string) (string, error) {
		n, err := strconv.Atoi(strings.TrimSpace(v))
		if err != nil {
			return "", fmt.Errorf("'%s' is not a valid integer value", v)
		}
		return strconv.Itoa(n), nil
	}}
	durationValue = valueKind{"A duration (Valid units are: `ns`, `μs`, `ms`, `s`, `m`, `h` and `d`; default unit is `s`)", func(v string) (string, error) {
		if !durationPattern.MatchString(strings.TrimSpace(v)) {
			return "", fmt.Errorf("'%s' is not a valid duration, needs to be a number with an optional unit", v)
		}
		v = strings.TrimSpace(v)
		if last := v[len(v)-1]; isDigit(rune(last)) {
			v += "s"
		}
		return v, nil
	}}
	listValue     = valueKind{"A comma-separated list where each element is a string", func(v string) (string, error) { return strings.Join(splitList(v), ","), nil }}
	fullListValue = valueKind{"A comma-separated list where each element is a string, which is not empty", func(v string) (string, error) {
		if len(splitList(v)) == 0 {
			return "", fmt.Errorf("list is empty, at least one element is needed")
		}
		return strings.Join(splitList(v), ","), nil
	}}
	uriValue  = valueKind{"A URI which has scheme 'https' (or 'http' for localhost)", parseURI}
	flowValue = valueKind{"One of [PKCE, IMPLICIT]", func(v string) (string, error) {
		switch u := strings.ToUpper(strings.TrimSpace(v)); u {
		case "PKCE", "IMPLICIT":
			return u, nil
		}
		return "", fmt.Errorf("'%s' not one of [PKCE, IMPLICIT]", v)
	}}
	mappingValue = valueKind{"A semicolon separated list of key-value pairs or empty", func(v string) (string, error) {
		_, err := parseMapping(v)
		return v, err
	}}
)

var durationPattern = regexp.MustCompile(`^\d+(\.\d+)?(ns|us|μs|ms|s|m|h|d)?((\d+)(ns|us|μs|ms|s|m|h|d))*$`)

// splitList cuts a list setting: trimmed, empty elements dropped.
func splitList(v string) []string {
	var list []string
	for _, part := range strings.Split(v, ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

// loopbackHosts may be reached over plain http since 5.9.
var loopbackHosts = map[string]bool{"localhost": true, "127.0.0.1": true, "::1": true, "0:0:0:0:0:0:0:1": true}

func parseURI(v string) (string, error) {
	v = strings.TrimSpace(v)
	u, err := url.Parse(v)
	if err != nil {
		return "", fmt.Errorf("'%s' is not a valid URI", v)
	}
	if u.Scheme != "https" && !(u.Scheme == "http" && loopbackHosts[u.Hostname()]) {
		return "", fmt.Errorf("'%s' does not have required scheme 'https'", v)
	}
	if u.Host == "" {
		return "", fmt.Errorf("'%s' is not a valid URI", v)
	}
	return v, nil
}

// mapValue is a map setting: split on ;, then on the first =, nothing trimmed. It prints as Java's HashMap does.
func mapValue(accepted []string, required ...string) valueKind {
	return valueKind{"A simple key value map pattern `k1=v1;k2=v2`", func(v string) (string, error) {
		pairs, err := parsePairs(v)
		if err != nil {
			return "", err
		}
		for _, k := range required {
			if _, ok := pairs.values[k]; !ok {
				return "", serverWords("'%s' map does not contain all of the required keys: [%s].", v, strings.Join(required, ", "))
			}
		}
		for _, k := range pairs.keys {
			if accepted != nil && !hasString(accepted, k) {
				return "", fmt.Errorf("map element with key %s is not one of the accepted elements [%s]", k, strings.Join(accepted, ", "))
			}
		}
		return pairs.java(), nil
	}}
}

// pairSet is a map in the order it was written.
type pairSet struct {
	keys   []string
	values map[string]string
}

func parsePairs(v string) (pairSet, error) {
	p := pairSet{values: map[string]string{}}
	parts := strings.Split(v, ";")
	for len(parts) > 0 && parts[len(parts)-1] == "" {
		parts = parts[:len(parts)-1]
	}
	for _, part := range parts {
		k, value, found := strings.Cut(part, "=")
		if !found {
			return p, serverWords("'%s' map element does not follow k1=v1 format.", part)
		}
		if _, twice := p.values[k]; !twice {
			p.keys = append(p.keys, k)
		}
		p.values[k] = value
	}
	return p, nil
}

// java prints a map as java.util.HashMap.toString does: by bucket, within one by insertion.
func (p pairSet) java() string {
	capacity := uint32(16)
	for len(p.keys) > int(capacity)*3/4 {
		capacity *= 2
	}
	buckets := make([][]string, capacity)
	for _, k := range p.keys {
		h := javaHash(k)
		i := (h ^ h>>16) & (capacity - 1)
		buckets[i] = append(buckets[i], k+"="+p.values[k])
	}
	var parts []string
	for _, b := range buckets {
		parts = append(parts, b...)
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// javaHash is String.hashCode.
func javaHash(s string) uint32 {
	var h uint32
	for _, unit := range utf16.Encode([]rune(s)) {
		h = 31*h + uint32(unit)
	}
	return h
}

// parseMapping reads "group"=role1,role2;"other"=role3. Quotes are optional, whitespace around names and a trailing semicolon are taken. How a semicolon or a
// quote inside a group is written is not documented, so neither is taken. A group named twice has the roles of its last entry, as in a map.
func parseMapping(v string) (map[string][]string, error) {
	mapping := map[string][]string{}
	bad := fmt.Errorf("'%s' does not follow the pattern \"group1\"=role1,role2;\"group2\"=role3", v)
	rest := strings.TrimSpace(v)
	for rest != "" {
		entry := rest
		if i := strings.IndexByte(rest, ';'); i >= 0 {
			entry, rest = rest[:i], strings.TrimSpace(rest[i+1:])
		} else {
			rest = ""
		}
		group, roles, ok := cutMappingEntry(strings.TrimSpace(entry))
		if !ok {
			return nil, bad
		}
		mapping[group] = roles
	}
	return mapping, nil
}

func cutMappingEntry(entry string) (group string, roles []string, ok bool) {
	list := ""
	if strings.HasPrefix(entry, `"`) || strings.HasPrefix(entry, `'`) {
		end := strings.IndexByte(entry[1:], entry[0])
		if end < 0 {
			return "", nil, false
		}
		group = entry[1 : end+1]
		list, ok = strings.CutPrefix(strings.TrimSpace(entry[end+2:]), "=")
	} else {
		group, list, ok = strings.Cut(entry, "=")
		group = strings.TrimSpace(group)
	}
	if !ok || strings.TrimSpace(group) == "" || strings.ContainsAny(group, `"`) || strings.ContainsAny(list, `"=`) {
		return "", nil, false
	}
	for _, r := range strings.Split(list, ",") {
		if r = strings.TrimSpace(r); r == "" {
			return "", nil, false
		}
		roles = append(roles, r)
	}
	return group, roles, true
}
