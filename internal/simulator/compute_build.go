package simulator

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// usualHosts is how many hosts a cloud has unless its options say another number.
const usualHosts = 100

// noHost is the fault of a server for which the scheduler finds no host.
const noHost = "No valid host was found. There are not enough hosts available."

// build starts the life of a server: scheduling, then its ports and volumes, then it boots.
func (n *compute) build(server object) {
	n.step(server, n.sim.options.Times.ServerBoot/4, "scheduling", n.schedule)
}

// step runs f after a while unless the server is gone or does something else meanwhile.
func (n *compute) step(server object, d time.Duration, task string, f func(server object)) {
	id := server.str("id")
	server["_task"] = task
	n.sim.after(d, func() {
		if server, ok := n.Servers.get(id); ok && server.str("_task") == task {
			f(server)
		}
	})
}

// fail makes a server ERROR with a fault.
func (n *compute) fail(server object, message string) {
	server["_vm"], server["_task"], server["updated"] = "error", "", now()
	server["_fault"] = object{"code": http.StatusInternalServerError, "created": now(), "message": message}
}

// schedule gives a server a host, its ports and its volumes.
func (n *compute) schedule(server object) {
	host := n.place(server, server.obj("_flavor"))
	if host == 0 {
		n.fail(server, noHost)
		return
	}
	server["_host"] = host
	if err := n.connect(server); err != nil {
		n.fail(server, n.aborted(server, err))
		return
	}
	if err := n.makeVolumes(server); err != nil {
		n.fail(server, n.aborted(server, err))
		return
	}
	n.step(server, n.sim.options.Times.ServerBoot/4, "networking", func(server object) {
		n.step(server, n.sim.options.Times.ServerBoot/2, "spawning", n.spawn)
	})
}

func (n *compute) aborted(server object, err error) string {
	message := err.Error()
	var f *fault
	if errors.As(err, &f) {
		message = f.message
	}
	return fmt.Sprintf("Build of instance %s aborted: %s", server.str("id"), message)
}

// spawn boots a server as soon as its volumes are there.
func (n *compute) spawn(server object) {
	for _, device := range server.objs("_volumes") {
		volume, ok := n.sim.volume.Volumes.get(device.str("id"))
		if !ok || volume.str("status") == "error" {
			n.fail(server, n.aborted(server, badRequest("Volume %s did not finish being created even after we waited 0 seconds or 1 attempts.", device.str("id"))))
			return
		}
		if volume.str("status") == "creating" {
			n.step(server, n.sim.options.Times.Volume/4, "block_device_mapping", n.spawn)
			return
		}
	}
	for _, device := range server.objs("_volumes") {
		volume, _ := n.sim.volume.Volumes.get(device.str("id"))
		device["device"] = n.deviceName(server, device.str("device"))
		device["attachment_id"] = n.sim.volume.attach(volume, server.str("id"), device.str("device"))
	}
	server["launched_at"] = volumeNow()
	n.running(server)
}

// running makes a server ACTIVE and tells who wants to know.
func (n *compute) running(server object) {
	server["_vm"], server["_task"], server["updated"] = "active", "", now()
	n.print(server, bootLines(server)...)
	for _, booted := range n.booted {
		booted(server)
	}
}

// halted makes a server SHUTOFF and tells who wants to know.
func (n *compute) halted(server object) {
	server["_vm"], server["_task"], server["updated"] = "stopped", "", now()
	n.print(server, "[  OK  ] Reached target Power-Off.", "reboot: Power down")
	for _, stopped := range n.stopped {
		stopped(server)
	}
}

// place chooses a host: one that the server group allows, and of these the one with the fewest
// servers. It is 0 when there is none.
func (n *compute) place(server, flavor object) int {
	hosts := n.sim.options.Hosts
	if hosts == 0 {
		hosts = usualHosts
	}
	group, grouped := n.Groups.get(server.str("_group"))
	best, fewest := 0, 0
	for host := 1; host <= hosts; host++ {
		others, members, elsewhere, cores := 0, 0, 0, flavor.num("vcpus")
		for _, other := range n.Servers {
			if other.str("id") == server.str("id") || other.num("_host") == 0 {
				continue
			}
			sibling := grouped && other.str("_group") == group.str("id")
			switch {
			case other.num("_host") == host:
				others++
				cores += other.obj("_flavor").num("vcpus")
				if sibling {
					members++
				}
			case sibling:
				elsewhere++
			}
		}
		if limit := n.sim.options.HostCores; limit > 0 && cores > limit {
			continue
		}
		load := others
		if grouped {
			most := max(1, group.obj("_rules").num("max_server_per_host"))
			switch policy := group.str("_policy"); {
			case policy == "anti-affinity" && members >= most, policy == "affinity" && elsewhere > 0:
				continue
			case policy == "soft-anti-affinity":
				load += members * len(n.Servers)
			case policy == "soft-affinity":
				load -= members * len(n.Servers)
			}
		}
		if best == 0 || load < fewest {
			best, fewest = host, load
		}
	}
	return best
}

// makeVolumes makes the volumes that a server boots from.
func (n *compute) makeVolumes(server object) error {
	for _, device := range server.objs("_volumes") {
		if device.str("id") != "" {
			continue
		}
		volume, err := n.sim.volume.make(server.str("project_id"), server.str("user_id"), newVolumeOptions{
			name: "", description: "", size: device.num("size"), kind: device.str("type"), image: device.str("image"),
		})
		if err != nil {
			return err
		}
		device["id"] = volume.str("id")
	}
	return nil
}

func (n *compute) deleteServer(c *call) (int, any, error) {
	server, err := n.server(c)
	if err != nil {
		return 0, nil, err
	}
	if err := unlocked(c, server); err != nil {
		return 0, nil, err
	}
	if server.num("_host") == 0 {
		// Nothing runs anywhere: Nova forgets it at once.
		n.forget(server)
	} else if server.str("_task") != "deleting" {
		n.step(server, n.sim.options.Times.ServerAction/2, "deleting", n.forget)
	}
	return http.StatusNoContent, nil, nil
}

// forget deletes a server and what it held.
func (n *compute) forget(server object) {
	n.disconnect(server)
	for _, device := range server.objs("_volumes") {
		id := device.str("id")
		n.sim.volume.detach(id, server.str("id"))
		if volume, ok := n.sim.volume.Volumes.get(id); ok && device.flag("delete_on_termination") {
			n.sim.volume.startDelete(volume)
		}
	}
	delete(n.Servers, server.str("id"))
	for _, deleted := range n.deleted {
		deleted(server)
	}
}

// resume continues what was on its way when the state was saved.
func (n *compute) resume() {
	for _, server := range n.Servers.all() {
		switch task := server.str("_task"); task {
		case "":
		case "scheduling":
			n.build(server)
		case "networking", "spawning", "block_device_mapping":
			n.step(server, n.sim.options.Times.ServerBoot/2, "spawning", n.spawn)
		case "deleting":
			n.step(server, n.sim.options.Times.ServerAction/2, "deleting", n.forget)
		default:
			if f, ok := n.finish(task); ok {
				n.step(server, n.sim.options.Times.ServerAction, task, f)
			}
		}
	}
}

// print adds lines to the console of a server.
func (n *compute) print(server object, lines ...string) {
	all := append(server.strs("_console"), lines...)
	server["_console"] = all[max(0, len(all)-200):]
}

// bootLines are what a server prints when it boots.
func bootLines(server object) []string {
	name := server.str("hostname")
	lines := []string{
		"[    0.000000] Linux version 6.1.0-amd64 (debian-kernel@lists.debian.org)",
		"[    0.000000] Command line: BOOT_IMAGE=/boot/vmlinuz-6.1.0-amd64 console=ttyS0",
		"[    1.204133] virtio_net virtio0 ens3: renamed from eth0",
		"[    2.017240] systemd[1]: Hostname set to <" + name + ">.",
		"cloud-init[311]: Cloud-init v. 22.4.2 running 'init' at " + time.Now().UTC().Format(time.RFC1123Z),
	}
	if server.str("_user_data") != "" {
		lines = append(lines, "cloud-init[402]: Cloud-init v. 22.4.2 running 'modules:final'")
	}
	return append(lines, "cloud-init[402]: Cloud-init v. 22.4.2 finished. Datasource DataSourceOpenStackLocal", "", "Debian GNU/Linux 12 "+name+" ttyS0", "", name+" login:")
}

// console is the end of what a server printed; the whole of it when length is 0.
func (n *compute) console(server object, length int) string {
	lines := server.strs("_console")
	if length > 0 {
		lines = lines[max(0, len(lines)-length):]
	}
	return strings.Join(lines, "\n")
}
