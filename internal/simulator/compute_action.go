package simulator

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// microversionLockedReason is the first in which who locks a server can say why.
const microversionLockedReason = 73

// action is one thing that can be done to a server.
type action func(n *compute, c *call, server object, in object) (int, any, error)

func (n *compute) actions() map[string]action {
	return map[string]action{
		"resize":              (*compute).resize,
		"confirmResize":       (*compute).confirmResize,
		"revertResize":        (*compute).revertResize,
		"reboot":              (*compute).reboot,
		"rebuild":             (*compute).rebuild,
		"os-start":            (*compute).powerOn,
		"os-stop":             (*compute).powerOff,
		"os-getConsoleOutput": (*compute).consoleOutput,
		"os-resetState":       (*compute).resetState,
		"addSecurityGroup":    (*compute).addSecurityGroup,
		"removeSecurityGroup": (*compute).removeSecurityGroup,
		"lock":                (*compute).lock,
		"unlock":              (*compute).unlock,
	}
}

func (n *compute) act(c *call) (int, any, error) {
	var body object
	if err := c.decode(&body); err != nil || len(body) != 1 {
		return 0, nil, badRequest("Malformed request body")
	}
	server, err := n.server(c)
	if err != nil {
		return 0, nil, err
	}
	name := slices.Collect(maps.Keys(body))[0]
	do, ok := n.actions()[name]
	if !ok {
		return 0, nil, badRequest("There is no such action: %s", name)
	}
	in := body.obj(name)
	if in == nil {
		if slices.Contains([]string{"resize", "reboot", "rebuild", "addSecurityGroup", "removeSecurityGroup", "os-resetState"}, name) {
			return 0, nil, badField(name, body[name], pythonNested(body[name])+" is not of type 'object'")
		}
		if name == "lock" && body.has(name) && n.minor(c) >= microversionLockedReason {
			return 0, nil, badField(name, body[name], pythonNested(body[name])+" is not of type 'object', 'null'")
		}
		in = object{}
	}
	if slices.Contains([]string{"resize", "confirmResize", "revertResize", "reboot", "rebuild", "os-start", "os-stop"}, name) {
		if err := unlocked(c, server); err != nil {
			return 0, nil, err
		}
	}
	return do(n, c, server, in)
}

// unlocked refuses a change of a locked server to all but administrators.
func unlocked(c *call, server object) error {
	if server.flag("_locked") && !c.admin() {
		return fail(http.StatusConflict, "", "Instance %s is locked", server.str("id"))
	}
	return nil
}

// lock keeps users from changing the server, until one of them unlocks it. Locking it once more changes nothing.
func (n *compute) lock(c *call, server, in object) (int, any, error) {
	if n.minor(c) >= microversionLockedReason {
		reason, isText := in["locked_reason"].(string)
		switch {
		case in.given("locked_reason") && (!isText || reason == ""):
			return 0, nil, badField("locked_reason", in["locked_reason"], pythonNested(in["locked_reason"])+" is too short")
		case len(reason) > 255:
			return 0, nil, badField("locked_reason", reason, fmt.Sprintf("'%s' is too long", reason))
		}
		if err := onlyFields("lock", in, []string{"locked_reason"}); err != nil {
			return 0, nil, err
		}
		if isText && !server.flag("_locked") {
			server["_locked_reason"] = reason
		}
	}
	server["_locked"] = true
	return http.StatusAccepted, nil, nil
}

func (n *compute) unlock(_ *call, server, _ object) (int, any, error) {
	delete(server, "_locked")
	delete(server, "_locked_reason")
	return http.StatusAccepted, nil, nil
}

// in refuses an action unless the server is in one of the vm_states and does nothing else.
func (n *compute) in(server object, action string, states ...string) error {
	if task := server.str("_task"); task != "" {
		return fail(http.StatusConflict, "", "Cannot '%s' instance %s while it is in task_state %s", action, server.str("id"), task)
	}
	if vm := server.str("_vm"); !slices.Contains(states, vm) {
		return fail(http.StatusConflict, "", "Cannot '%s' instance %s while it is in vm_state %s", action, server.str("id"), vm)
	}
	return nil
}

// finish is what ends a task, for those that a restart of the simulator interrupts.
func (n *compute) finish(task string) (func(server object), bool) {
	f, ok := map[string]func(server object){
		"resize_prep":      n.resized,
		"resize_migrating": n.resized,
		"resize_reverting": n.reverted,
		"rebooting":        n.running,
		"rebooting_hard":   n.running,
		"rebuilding":       n.rebuilt,
		"powering-on":      n.running,
		"powering-off":     n.halted,
	}[task]
	return f, ok
}

// start begins a task that takes as long as an action does.
func (n *compute) start(server object, task string) {
	if f, ok := n.finish(task); ok {
		n.step(server, n.sim.options.Times.ServerAction, task, f)
	}
}

func (n *compute) resize(_ *call, server, in object) (int, any, error) {
	flavor, ok := n.Flavors.get(in.str("flavorRef"))
	old := server.obj("_flavor")
	switch {
	case !in.given("flavorRef"):
		return 0, nil, badField("resize", in, "'flavorRef' is a required property")
	case !ok:
		return 0, nil, badRequest("Flavor %s could not be found.", in.str("flavorRef"))
	}
	if err := n.in(server, "resize", "active", "stopped"); err != nil {
		return 0, nil, err
	}
	if flavor.str("id") == old.str("id") {
		return 0, nil, badRequest("When resizing, instances must change flavor!")
	}
	if flavor.num("disk") == 0 && server.str("_image") != "" {
		return 0, nil, badRequest("Resize to zero disk flavor is not allowed.")
	}
	more := computeQuota{Cores: max(0, flavor.num("vcpus")-old.num("vcpus")), RAM: max(0, flavor.num("ram")-old.num("ram"))}
	if err := n.room(server.str("project_id"), more); err != nil {
		return 0, nil, err
	}
	server["_new_flavor"] = flavor.copy()
	server["_before"] = server.str("_vm")
	n.step(server, n.sim.options.Times.ServerAction/2, "resize_prep", func(server object) {
		host := n.place(server, server.obj("_new_flavor"))
		if host == 0 {
			// No room: Nova gives up without a word.
			delete(server, "_new_flavor")
			server["_task"] = ""
			return
		}
		server["_host"] = host
		n.step(server, n.sim.options.Times.ServerAction/2, "resize_migrating", n.resized)
	})
	return http.StatusAccepted, nil, nil
}

func (n *compute) resized(server object) {
	server["_old_flavor"], server["_flavor"] = server["_flavor"], server["_new_flavor"]
	delete(server, "_new_flavor")
	server["_vm"], server["_task"], server["updated"] = "resized", "", now()
}

func (n *compute) confirmResize(_ *call, server, _ object) (int, any, error) {
	if err := n.in(server, "confirmResize", "resized"); err != nil {
		return 0, nil, err
	}
	if server.flag("_confirming") {
		return 0, nil, badRequest("Instance has not been resized.")
	}
	// The answer comes first: for a moment the server still looks as if it were to be confirmed.
	server["_confirming"] = true
	id := server.str("id")
	n.sim.after(n.sim.options.Times.ServerAction, func() {
		if server, ok := n.Servers.get(id); ok && server.flag("_confirming") {
			delete(server, "_confirming")
			n.settle(server)
		}
	})
	return http.StatusNoContent, nil, nil
}

func (n *compute) revertResize(_ *call, server, _ object) (int, any, error) {
	if err := n.in(server, "revertResize", "resized"); err != nil {
		return 0, nil, err
	}
	n.start(server, "resize_reverting")
	return http.StatusAccepted, nil, nil
}

func (n *compute) reverted(server object) {
	server["_flavor"] = server["_old_flavor"]
	n.settle(server)
}

// settle ends a resize: the server is as it was before, running or not.
func (n *compute) settle(server object) {
	delete(server, "_old_flavor")
	before := server.str("_before")
	delete(server, "_before")
	if before == "stopped" {
		server["_vm"], server["_task"], server["updated"] = "stopped", "", now()
		return
	}
	n.running(server)
}

// resetState is how an administrator makes a server look broken, or whole again.
func (n *compute) resetState(c *call, server, in object) (int, any, error) {
	if !c.admin() {
		return 0, nil, fail(http.StatusForbidden, "", "Policy doesn't allow os_compute_api:os-admin-actions:reset_state to be performed.")
	}
	state := in.str("state")
	if state != "active" && state != "error" {
		return 0, nil, badField("state", in["state"], fmt.Sprintf("'%s' is not one of ['active', 'error']", state))
	}
	server["_vm"], server["_task"] = state, ""
	return http.StatusAccepted, nil, nil
}

func (n *compute) reboot(_ *call, server, in object) (int, any, error) {
	kind := in.str("type")
	if err := need("reboot", in, "type"); err != nil {
		return 0, nil, err
	}
	if !slices.Contains([]string{"HARD", "SOFT"}, strings.ToUpper(kind)) {
		return 0, nil, badField("type", in["type"], fmt.Sprintf("'%s' is not one of ['HARD', 'Hard', 'hard', 'SOFT', 'Soft', 'soft']", kind))
	}
	states, task := []string{"active"}, "rebooting"
	if strings.EqualFold(kind, "HARD") {
		states, task = []string{"active", "stopped", "error"}, "rebooting_hard"
	}
	if err := n.in(server, "reboot", states...); err != nil {
		return 0, nil, err
	}
	n.start(server, task)
	return http.StatusAccepted, nil, nil
}

func (n *compute) rebuild(c *call, server, in object) (int, any, error) {
	image := in.str("imageRef")
	if err := need("rebuild", in, "imageRef"); err != nil {
		return 0, nil, err
	}
	if _, ok := n.sim.image.Images.get(image); !ok {
		return 0, nil, badRequest("Cannot find image for rebuild")
	}
	if err := n.in(server, "rebuild", "active", "stopped", "error"); err != nil {
		return 0, nil, err
	}
	if server.str("_image") == "" && len(server.objs("_volumes")) > 0 {
		return 0, nil, badRequest("Unable to rebuild with a different image for a volume-backed server.")
	}
	server["_image"] = image
	for key, target := range map[string]string{"name": "name", "metadata": "metadata", "description": "description", "key_name": "key_name", "user_data": "_user_data"} {
		if in.given(key) {
			server[target] = in[key]
		}
	}
	server["_before"] = server.str("_vm")
	n.start(server, "rebuilding")
	view := n.serverView(c, server)
	view["adminPass"] = newHex()[:12]
	return http.StatusAccepted, object{"server": view}, nil
}

// rebuilt ends a rebuild: a server that was shut off stays so.
func (n *compute) rebuilt(server object) {
	before := server.str("_before")
	delete(server, "_before")
	if before == "stopped" {
		n.halted(server)
		return
	}
	n.running(server)
}

func (n *compute) powerOn(_ *call, server, _ object) (int, any, error) {
	if err := n.in(server, "start", "stopped"); err != nil {
		return 0, nil, err
	}
	n.start(server, "powering-on")
	return http.StatusAccepted, nil, nil
}

func (n *compute) powerOff(_ *call, server, _ object) (int, any, error) {
	if err := n.in(server, "stop", "active", "error"); err != nil {
		return 0, nil, err
	}
	if !n.sim.guests.shutdown(server, n.halted) {
		n.start(server, "powering-off")
	}
	return http.StatusAccepted, nil, nil
}

func (n *compute) consoleOutput(_ *call, server, in object) (int, any, error) {
	if server.num("_host") == 0 {
		return 0, nil, fail(http.StatusConflict, "", "Instance %s is not ready", server.str("id"))
	}
	length := in.num("length")
	if text, ok := in["length"].(string); ok {
		_, _ = fmt.Sscan(text, &length)
	}
	return http.StatusOK, object{"output": n.console(server, length)}, nil
}
