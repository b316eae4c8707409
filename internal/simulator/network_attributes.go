package simulator

import (
	"maps"
	"net"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// attribute is one attribute of a resource as the Networking API checks it. Attributes that can be
// neither created nor updated are only read and filtered by.
type attribute struct {
	create   bool
	update   bool
	required bool
	// admin says that only administrators may set it.
	admin bool
	value any // default
	check func(name string, value any) (any, error)
}

// readOnly can only be read and filtered by.
var readOnly = attribute{}

// fixedAt can be set when the object is created.
func fixedAt(value any, check func(string, any) (any, error)) attribute {
	return attribute{create: true, value: value, check: check}
}

// changeable can be set and changed.
func changeable(value any, check func(string, any) (any, error)) attribute {
	return attribute{create: true, update: true, value: value, check: check}
}

// needed must be given when the object is created.
func needed(check func(string, any) (any, error)) attribute {
	return attribute{create: true, required: true, check: check}
}

// byAdmin makes an attribute one for administrators.
func byAdmin(a attribute) attribute {
	a.admin = true
	return a
}

// common adds what every resource has.
func common(attributes map[string]attribute) map[string]attribute {
	for name, a := range map[string]attribute{
		"id": readOnly, "description": changeable("", textUpTo(255)), "created_at": readOnly, "updated_at": readOnly,
		"revision_number": readOnly, "tags": readOnly,
	} {
		if _, ok := attributes[name]; !ok {
			attributes[name] = a
		}
	}
	return attributes
}

// complete checks the input of a create and adds the defaults.
func (r *resource) complete(in object) (object, error) {
	if err := r.known(in); err != nil {
		return nil, err
	}
	full := object{}
	for _, name := range slices.Sorted(maps.Keys(r.attributes)) {
		a := r.attributes[name]
		value, given := in[name]
		switch {
		case given && !a.create:
			return nil, badRequest("Attribute '%s' not allowed in POST", name)
		case !given && a.required:
			return nil, badRequest("Failed to parse request. Required attribute '%s' not specified", name)
		case !given && a.create:
			full[name] = a.value
		case given:
			checked, err := a.check(name, value)
			if err != nil {
				return nil, err
			}
			full[name] = checked
		}
	}
	return full, nil
}

// changes checks the input of an update.
func (r *resource) changes(in object) (object, error) {
	if err := r.known(in); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(in)) {
		a := r.attributes[name]
		if !a.update {
			return nil, badRequest("Cannot update read-only attribute %s", name)
		}
		checked, err := a.check(name, in[name])
		if err != nil {
			return nil, err
		}
		in[name] = checked
	}
	return in, nil
}

// known refuses attributes that the resource does not have.
func (r *resource) known(in object) error {
	var unknown []string
	for _, name := range slices.Sorted(maps.Keys(in)) {
		if _, ok := r.attributes[name]; !ok {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		return badRequest("Unrecognized attribute(s) '%s'", strings.Join(unknown, ", "))
	}
	return nil
}

// allowed refuses what only administrators may set. Who creates with the default has set nothing.
func (r *resource) allowed(c *call, in object, verb string) error {
	rule := verb + "_" + r.name()
	for _, name := range slices.Sorted(maps.Keys(in)) {
		if verb == "create" && reflect.DeepEqual(in[name], r.attributes[name].value) {
			continue
		}
		if r.attributes[name].admin && !c.admin() {
			return disallowed("(rule:" + rule + " and rule:" + rule + ":" + name + ")")
		}
	}
	return nil
}

func invalid(name, reason string) error {
	return badRequest("Invalid input for %s. Reason: %s", name, reason)
}

func anything(_ string, value any) (any, error) { return value, nil }

func textUpTo(length int) func(string, any) (any, error) {
	return func(name string, value any) (any, error) {
		given, ok := value.(string)
		if !ok {
			return nil, invalid(name, "'"+pythonText(value)+"' is not a valid string.")
		}
		if len([]rune(given)) > length {
			return nil, invalid(name, "'"+given+"' exceeds maximum length of "+strconv.Itoa(length)+".")
		}
		return given, nil
	}
}

// lowerText is a name that is kept in lower case.
func lowerText(name string, value any) (any, error) {
	if _, ok := value.(string); !ok {
		return nil, invalidInput("Input value %s must be string type.", pythonText(value))
	}
	given, err := textUpTo(255)(name, value)
	if err != nil {
		return nil, err
	}
	return strings.ToLower(text(given)), nil
}

// pythonText is a value as the services print it.
func pythonText(value any) string {
	switch value := value.(type) {
	case nil:
		return "None"
	case bool:
		if value {
			return "True"
		}
		return "False"
	}
	return text(value)
}

func boolean(_ string, value any) (any, error) {
	switch strings.ToLower(text(value)) {
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	}
	return nil, invalidInput("'%s' cannot be converted to boolean.", pythonText(value))
}

func integer(_ string, value any) (any, error) {
	number, err := strconv.Atoi(text(value))
	if err != nil {
		return nil, invalidInput("'%s' is not an integer.", pythonText(value))
	}
	return number, nil
}

// optional lets null through.
func optional(check func(string, any) (any, error)) func(string, any) (any, error) {
	return func(name string, value any) (any, error) {
		if value == nil {
			return nil, nil
		}
		return check(name, value)
	}
}

var networkUUID = regexp.MustCompile(`^[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}$`)

func uuid(name string, value any) (any, error) {
	given := pythonText(value)
	if !networkUUID.MatchString(given) {
		return nil, invalid(name, "'"+given+"' is not a valid UUID.")
	}
	return given, nil
}

func uuids(name string, value any) (any, error) {
	list := []any{}
	given, ok := value.([]any)
	if !ok && value != nil {
		return nil, invalid(name, "'"+pythonText(value)+"' is not a list.")
	}
	for _, item := range given {
		if _, err := uuid(name, item); err != nil {
			return nil, err
		}
		if slices.Contains(list, item) {
			continue
		}
		list = append(list, item)
	}
	return list, nil
}

func oneOf(values ...any) func(string, any) (any, error) {
	return func(name string, value any) (any, error) {
		if number, ok := value.(float64); ok {
			value = int(number)
		}
		if !slices.Contains(values, value) {
			return nil, invalid(name, pythonText(value)+" is not in valid_values.")
		}
		return value, nil
	}
}

func ipAddress(name string, value any) (any, error) {
	a, err := netip.ParseAddr(pythonText(value))
	if err != nil {
		return nil, invalid(name, "'"+pythonText(value)+"' is not a valid IP address.")
	}
	return a.String(), nil
}

func macAddress(name string, value any) (any, error) {
	mac, err := net.ParseMAC(pythonText(value))
	if err != nil || len(mac) != 6 {
		return nil, invalid(name, "'"+pythonText(value)+"' is not a valid MAC address.")
	}
	return pythonText(value), nil // as it is written
}

func nameservers(name string, value any) (any, error) {
	list := []any{}
	for _, item := range (object{"list": value}).strs("list") {
		if _, err := netip.ParseAddr(item); err != nil {
			return nil, invalid(name, "'"+item+"' is not a valid nameserver. '"+item+"' is not a valid IP address.")
		}
		if slices.Contains(list, any(item)) {
			return nil, invalid(name, "Duplicate nameserver '"+item+"'.")
		}
		list = append(list, item)
	}
	return list, nil
}

func addressPools(name string, value any) (any, error) {
	if value == nil {
		return nil, nil
	}
	pools := asObjects(value)
	for _, pool := range pools {
		for _, end := range []string{"start", "end"} {
			if _, err := ipAddress(name, pool[end]); err != nil {
				return nil, err
			}
		}
	}
	return plain(pools), nil
}

// hostRoutes checks a list of routes, of subnets and routers alike.
func hostRoutes(name string, value any) (any, error) {
	routes := asObjects(value)
	for at, route := range routes {
		if _, err := netip.ParsePrefix(route.str("destination")); err != nil {
			return nil, invalid(name, "'"+pythonText(route["destination"])+"' is not a valid CIDR.")
		}
		if _, err := ipAddress(name, route["nexthop"]); err != nil {
			return nil, err
		}
		for _, other := range routes[:at] {
			if other.str("destination") == route.str("destination") && other.str("nexthop") == route.str("nexthop") {
				return nil, invalid(name, "Duplicate hostroute '{'destination': '"+route.str("destination")+"', 'nexthop': '"+route.str("nexthop")+"'}'.")
			}
		}
	}
	return plain(routes), nil
}

func fixedAddresses(name string, value any) (any, error) {
	if value == nil {
		return nil, nil
	}
	fixed := asObjects(value)
	taken := map[any]bool{}
	for _, f := range fixed {
		if f.has("ip_address") {
			address, err := ipAddress(name, f["ip_address"])
			if err != nil {
				return nil, err
			}
			if taken[address] {
				return nil, invalid(name, "Duplicate IP address '"+f.str("ip_address")+"'.")
			}
			taken[address] = true
		} else if !f.has("subnet_id") {
			return nil, invalidInput("IP allocation requires subnet_id or ip_address.")
		}
		if f.has("subnet_id") {
			if _, err := uuid(name, f["subnet_id"]); err != nil {
				return nil, err
			}
		}
	}
	return plain(fixed), nil
}

// plain is a list as JSON has it, so that all lists in the state have one type.
func plain(objects []object) []any {
	list := []any{}
	for _, o := range objects {
		list = append(list, map[string]any(o))
	}
	return list
}
