package reverseproxy

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// maxRoutesBytes is the most that a set of routes may unpack to.
const maxRoutesBytes = 64 << 20

// Routes is a set of routes: host -> route value, which ParseRoute reads.
type Routes map[string]string

type routesDocument struct {
	Format int    `json:"format"`
	Routes Routes `json:"routes"`
}

// Encode writes the document. The same routes give the same bytes.
func (r Routes) Encode() ([]byte, error) {
	if r == nil {
		r = Routes{}
	}
	var out bytes.Buffer
	packed := gzip.NewWriter(&out)
	if err := json.NewEncoder(packed).Encode(routesDocument{Format: Format, Routes: r}); err != nil {
		return nil, fmt.Errorf("write the routes: %w", err)
	}
	if err := packed.Close(); err != nil {
		return nil, fmt.Errorf("write the routes: %w", err)
	}
	return out.Bytes(), nil
}

// DecodeRoutes reads the document; ParseRoutes checks what it holds.
func DecodeRoutes(data []byte) (Routes, error) {
	packed, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("routes: not packed with gzip: %w", err)
	}
	plain, err := io.ReadAll(io.LimitReader(packed, maxRoutesBytes+1))
	if err != nil {
		return nil, fmt.Errorf("routes: not packed with gzip: %w", err)
	}
	if len(plain) > maxRoutesBytes {
		return nil, fmt.Errorf("routes: more than %d bytes", maxRoutesBytes)
	}
	var document routesDocument
	if err := decode("routes", plain, &document); err != nil {
		return nil, err
	}
	return document.Routes, nil
}

// Route is where a host leads: to an upstream, or elsewhere by a redirect.
type Route struct {
	Upstream string
	Prefix   string // "" or "/path", set before the path of each request
	Redirect string // address; with a path it is the destination itself, else the path of the request is added
}

const redirectScheme = "redirect:"

// ParseRoute reads a route value: "<upstream>", "<upstream>/<prefix>" or "redirect:https://…".
func ParseRoute(value string) (Route, error) {
	if target, ok := strings.CutPrefix(value, redirectScheme); ok {
		address, err := url.Parse(target)
		if err != nil || (address.Scheme != "https" && address.Scheme != "http") || address.Hostname() == "" || address.User != nil {
			return Route{}, fmt.Errorf("%q is no redirect such as redirect:https://www.example.ch", value)
		}
		if strings.ContainsAny(target, "{} \r\n") {
			return Route{}, fmt.Errorf("%q has characters that no address has", value)
		}
		return Route{Redirect: target}, nil
	}
	upstream, prefix, hasPrefix := strings.Cut(value, "/")
	if CheckName(upstream) != nil {
		return Route{}, fmt.Errorf("%q is no route: want <upstream>, <upstream>/<prefix> or redirect:https://…", value)
	}
	if !hasPrefix || prefix == "" {
		return Route{Upstream: upstream}, nil
	}
	prefix = "/" + strings.TrimSuffix(prefix, "/")
	parsed, err := url.Parse(prefix)
	if err != nil || parsed.Path != prefix || strings.ContainsAny(prefix, "{}?#\\") || strings.Contains(prefix, "//") ||
		strings.Contains(prefix+"/", "/../") || strings.Contains(prefix+"/", "/./") {
		return Route{}, fmt.Errorf("%q is no route: the prefix must be a plain path", value)
	}
	return Route{Upstream: upstream, Prefix: prefix}, nil
}

// ParseRoutes reads a whole set. The problems' paths are the keys of the set.
func ParseRoutes(routes Routes) (map[string]Route, error) {
	var found problems
	out := make(map[string]Route, len(routes))
	origin := map[string]string{} // normalised host -> key, where they differ
	values := map[string]Route{}  // most routes have one of a few values
	for _, key := range slices.Sorted(maps.Keys(routes)) {
		host, err := Host(key)
		if err != nil {
			found.add(err, key)
			continue
		}
		if _, twice := out[host]; twice {
			other := host
			if origin[host] != "" {
				other = origin[host]
			}
			found.addf([]string{key}, "%q and %q are the same host", other, key)
			continue
		}
		if key != host {
			origin[host] = key
		}
		route, ok := values[routes[key]]
		if !ok {
			if route, err = ParseRoute(routes[key]); err != nil {
				found.add(err, key)
				continue
			}
			values[routes[key]] = route
		}
		out[host] = route
	}
	return out, found.err()
}

// CheckUpstreams tells which routes lead to an upstream that is not there.
func CheckUpstreams[T any](routes map[string]Route, upstreams map[string]T) error {
	var found problems
	for _, host := range slices.Sorted(maps.Keys(routes)) {
		route := routes[host]
		if _, ok := upstreams[route.Upstream]; !ok && route.Redirect == "" {
			found.addf([]string{host}, "there is no upstream %q", route.Upstream)
		}
	}
	return found.err()
}

// Merge makes one table of sets. A host in two sets stays that of the set whose name comes first, and is a problem whose path is the later
// set and the host; so is a redirect that leads back to itself.
func Merge(sets map[string]map[string]Route) (map[string]Route, error) {
	var found problems
	total := 0
	for _, set := range sets {
		total += len(set)
	}
	table := make(map[string]Route, total)
	owner := make(map[string]string, total)
	for _, name := range slices.Sorted(maps.Keys(sets)) {
		twice := []string{}
		for host, route := range sets[name] {
			if _, ok := table[host]; ok {
				twice = append(twice, host)
				continue
			}
			table[host], owner[host] = route, name
		}
		slices.Sort(twice)
		for _, host := range twice {
			found.addf([]string{name, host}, "the host is also in the set %q", owner[host])
		}
	}
	if total > MaxRoutes {
		found.addf([]string{}, "%d routes; at most %d are possible", total, MaxRoutes)
	}
	for _, loop := range Loops(table) {
		found.addf([]string{owner[loop[0]], loop[0]}, "the redirect leads back to itself: %s", strings.Join(append(loop, loop[0]), " -> "))
	}
	return table, found.err()
}

// Loops are the redirects that lead back to themselves, each as the hosts on the way, once.
func Loops(table map[string]Route) [][]string {
	var loops [][]string
	done := map[string]bool{}
	for _, start := range slices.Sorted(maps.Keys(table)) {
		if table[start].Redirect == "" {
			continue
		}
		var way []string
		for key := start; ; {
			if at := slices.Index(way, key); at >= 0 {
				loops = append(loops, way[at:])
				break
			}
			if done[key] {
				break
			}
			way = append(way, key)
			next, err := nextHost(table[key])
			if err != nil {
				break
			}
			if _, exact := table[next]; !exact {
				next = Wildcard(next)
			}
			if table[next].Redirect == "" {
				break
			}
			key = next
		}
		for _, key := range way {
			done[key] = true
		}
	}
	return loops
}

var errNoRedirect = errors.New("no redirect")

func nextHost(route Route) (string, error) {
	if route.Redirect == "" {
		return "", errNoRedirect
	}
	address, err := url.Parse(route.Redirect)
	if err != nil {
		return "", err
	}
	if port := address.Port(); port != "" && port != "443" && port != "80" {
		return "", errNoRedirect // not this proxy
	}
	return Host(address.Hostname())
}
