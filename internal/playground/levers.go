package playground

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hearth/internal/playground/panel"
	"hearth/internal/sim/simcloud"
	"hearth/internal/sim/simgame/process"
	"hearth/internal/world"
)

// rebootNotice is how long before a restart Azure announces it; it comes as soon
// as the agent has acknowledged it.
const rebootNotice = 15 * time.Minute

// Pull implements panel.Playground.
func (p *Playground) Pull(_ context.Context, l panel.Lever) error {
	r := p.current.Load()
	if r == nil {
		return panel.Refuse("The playground is just being reset.")
	}
	w := r.worlds[0]
	if l.World != "" {
		var err error
		if w, err = r.world(l.World); err != nil {
			return err
		}
	}
	defer r.notes.changed()
	return r.pull(w, l)
}

func (r *run) pull(w world.Config, l panel.Lever) error {
	command := ""
	switch l.Name {
	case panel.PlayerJoin:
		command = "join " + l.Player
	case panel.PlayerDie:
		command = "die " + l.Player
	case panel.PlayerLeave:
		command = "leave " + l.Player
	case panel.AllLeave:
		command = "leave-all"
	case panel.OldClient:
		command = "join " + orStranger(l.Player) + " old-version"
	case panel.WrongPassword:
		command = "join " + orStranger(l.Player) + " wrong-password"
	case panel.Crash:
		command = "crash"
	case panel.NoCapacity:
		for _, place := range w.Placements {
			if err := r.cloud.NoCapacity(place.ID, l.On); err != nil {
				return err
			}
		}
		r.notes.add("lever: no capacity " + onOff(l.On))
		return nil
	case panel.BootFails:
		step := world.BootPackages
		if !l.On {
			step = ""
		}
		for _, place := range w.Placements {
			if err := r.cloud.FailBoots(place.ID, step, "apt-get update: no mirror answers"); err != nil {
				return err
			}
		}
		r.notes.add("lever: boots fail " + onOff(l.On))
		return nil
	case panel.Evict, panel.EvictShort, panel.Vanish, panel.Reboot:
		vm, ok := r.machineOf(w)
		if !ok {
			return panel.Refuse("There is no machine to take, or it is still being made.")
		}
		if l.Name == panel.Vanish {
			r.notes.add("lever: the machine vanishes")
			return refused(r.cloud.Vanish(vm.ID))
		}
		if l.Name == panel.Reboot {
			r.notes.add("lever: the cloud announces to restart the machine")
			return refused(r.cloud.Announce(vm.ID, "Reboot", rebootNotice))
		}
		r.notes.add(fmt.Sprintf("lever: the cloud takes the machine in %d s", l.NoticeSeconds))
		return refused(r.cloud.Preempt(vm.ID, time.Duration(l.NoticeSeconds)*time.Second))
	}
	if l.Name == panel.PlayerJoin && means(l.Player) {
		return panel.Refuse("The pretend game takes the end of that name for an order: choose another.")
	}
	g, err := r.game(w.ID)
	if err == nil {
		err = g.Command(command)
	}
	if errors.Is(err, process.ErrNotRunning) || g == nil {
		return panel.Refuse("The game is not running.")
	}
	r.notes.add("lever: " + command)
	return refused(err)
}

// means: the game would read a manner of joining at the end of this name.
func means(name string) bool {
	return slices.ContainsFunc([]string{"wrong-password", "old-version", "full", "banned"}, func(manner string) bool {
		return strings.HasSuffix(name, " "+manner)
	})
}

func orStranger(name string) string {
	if name == "" {
		return "Stranger"
	}
	return name
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// refused makes an error of a stand-in one for people.
func refused(err error) error {
	if err == nil {
		return nil
	}
	return panel.Refuse("That did not work: %v.", err)
}

func (r *run) machineOf(w world.Config) (simcloud.VMView, bool) {
	for _, vm := range r.cloud.Snapshot().VMs {
		if _, ours := w.Placement(vm.Placement); ours && (vm.State == simcloud.VMRunning || vm.State == simcloud.VMBooting) {
			return vm, true
		}
	}
	return simcloud.VMView{}, false
}
