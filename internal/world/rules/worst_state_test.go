package rules_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/rules"
	"hearth/internal/world/words"

	"github.com/google/go-cmp/cmp"
)

// TestWorstState builds the largest state there can be, by what others may
// send: everything at its bound, names of the longest characters, and all the
// messages that can wait because Discord is away.
func TestWorstState(t *testing.T) {
	places := make([]string, world.MaxPlacements)
	for i := range places {
		places[i] = fmt.Sprintf("vmss-%s-%02d", strings.Repeat("w", 24), i)
	}
	g := newStage(t, places...)
	long := strings.Repeat("😀", 100)
	name := func(i int) string { return fmt.Sprintf("%02d", i) + long }
	id := func(i int) string { return fmt.Sprintf("%020d", 10_000_000_000_000_000+i) }
	token := strings.Repeat("t", 220)
	command := func(n world.CommandName, i int) []world.Effect {
		return g.send(world.Event{ID: id(i), Source: world.SourceDiscord, Data: &world.Command{
			Name: n, By: world.Person{ID: id(1), Name: long}, Keeper: true, Operation: g.s.Session.ID,
			Reply: world.Reply{Application: id(2), Token: world.Token(token)},
		}})
	}
	g.askers = []string{id(1)}
	g.c.ID, g.c.Name = strings.Repeat("w", 24), strings.Repeat("W", 40)
	g.s.World = g.c.ID
	for _, p := range g.places {
		p.refuses = world.ClassCapacity
	}
	g.now = g.now.Add(123456789 * time.Nanosecond)
	command(world.CmdStart, 1)
	g.until(time.Hour, "all are blocked", func() bool { return len(g.s.Blocked) == len(places) })
	blocked := g.s.Blocked
	for _, p := range g.places {
		p.refuses = ""
	}
	g.untilStatus(time.Hour, world.Booting)
	at := g.now
	g.epoch = 99_999
	players := make([]world.Player, 100)
	for i := range players {
		players[i] = world.Player{Owner: fmt.Sprintf("-%019d", i), Name: name(i)}
	}
	machine := world.Machine{Name: strings.Repeat("m", 500), Size: strings.Repeat("s", 500), Zone: strings.Repeat("z", 500), Address: strings.Repeat("9", 500)}
	g.hear(&world.HostUp{Machine: machine})
	var steps []world.StepTook
	for _, name := range world.Steps() {
		steps = append(steps, world.StepTook{Step: name, Took: 23*time.Hour + 1234567890})
	}
	g.hear(&world.Listening{Version: long, Steps: steps})
	g.hear(&world.JoinCode{Code: long})
	g.seq = 9_000_000
	for i := range 2 * world.MaxRefusals { // two of each
		for range 3 {
			g.hear(&world.Refused{Reason: world.RefusedPassword, Name: name(i % world.MaxRefusals)})
		}
	}
	g.hear(&world.WordsLost{Count: 1 << 60})
	beat := g.hear(&world.Heartbeat{Machine: machine, Listening: true, Players: players, Connecting: 1 << 40, LastSave: at, MemoryMB: 1 << 40, JoinCode: long})
	var lines []world.Effect
	for i := range world.MaxSeen + 10 { // every other number is missing
		g.seq++
		for _, e := range g.hear(&world.Spawned{Player: players[i%64]}) {
			if e.Chat != nil && e.Chat.Kind == world.ChatLine && len(lines) < world.MaxChatWaiting {
				lines = append(lines, e)
			}
		}
	}
	lines = lines[:world.MaxChatWaiting-7]
	g.send(world.Event{ID: id(99), Source: world.SourceDiscord, Data: &world.Command{Name: world.CmdLog, By: world.Person{ID: id(1)}, Keeper: true}})
	logged := slices.Repeat([]string{strings.Repeat(`"`, 400)}, world.MaxTailLines)
	lines = append(lines, g.hear(&world.LogTail{Operation: id(99), Lines: logged})...)
	var answers []world.Effect
	for i := range world.MaxCommandIDs {
		command(world.CmdStop, 100+i)
	}
	for i, n := range []world.CommandName{world.CmdStatus, world.CmdJoin, world.CmdStart, world.CmdStop, world.CmdStopWhenEmpty} {
		for _, e := range command(n, 200+i) {
			if e.Chat != nil && e.Chat.Kind == world.ChatAnswer {
				answers = append(answers, e)
			}
		}
	}
	for i := range 2 * world.MaxAsideSeen {
		for _, reason := range world.AsideReasons() {
			g.bot(&world.SetAside{Items: []world.Aside{{
				Reason: reason, Count: 1 << 60, Key: fmt.Sprintf("%016d", i), Kept: strings.Repeat("k", 500), What: long,
			}}})
		}
	}
	var left []world.Leftover
	for i := range world.MaxLeftovers {
		left = append(left, world.Leftover{Kind: world.LeftoverMachine, Name: strings.Repeat("m", world.MaxLeftoverName-2) + fmt.Sprintf("%02d", i)})
	}
	for _, e := range g.bot(&world.LeftOver{Items: left, More: 1 << 40}) {
		if e.Chat != nil {
			lines[0] = e
		}
	}
	var removals []world.Effect
	for _, e := range g.send(world.Event{ID: id(98), Source: world.SourceDiscord, Data: &world.Command{
		Name: world.CmdTidy, By: world.Person{ID: id(1), Name: long}, Keeper: true, Operation: fmt.Sprint(g.now.Unix()),
		Reply: world.Reply{Application: id(2), Token: world.Token(token)},
	}}) {
		switch {
		case e.Cloud != nil:
			removals = append(removals, e)
		case e.Chat != nil:
			answers[0] = e
		}
	}
	s := g.s
	if len(s.Leftovers) != world.MaxLeftovers || len(removals) != 1 {
		t.Fatalf("left over: got %d, and %d effects that remove them, want all and one", len(s.Leftovers), len(removals))
	}
	if len(s.Asides) != len(world.AsideReasons()) || len(s.AsideSeen) != world.MaxAsideSeen {
		t.Fatalf("set aside: got %d and %d, want them full", len(s.Asides), len(s.AsideSeen))
	}
	if r := s.Boot.Refusals; len(r) != world.MaxRefusals || r[0].More == 0 || s.Boot.ComesUp.IsZero() || s.Boot.Busy.IsZero() || len(s.Boot.Steps) != len(steps) {
		t.Fatalf("boot: got %+v, want it full", s.Boot)
	}
	for i, want := range []int{len(s.Boot.Players), len(s.Session.Played), len(s.Boot.Seen.Beyond), len(s.Commands)} {
		if got := []int{world.MaxPlayers, world.MaxPlayed, world.MaxSeen, world.MaxCommandIDs}[i]; got != want {
			t.Fatalf("list %d: got %d, want %d", i, want, got)
		}
	}

	// What the adapters and the runner add, at its realistic worst.
	s.Cloud.Token = strings.Repeat("r", 600) // azure/compute.MaxTokenBytes
	s.Cloud.ConsoleAt, s.Session.Unbooted = at, 2
	s.Card = &world.MessageRef{Channel: id(3), ID: id(4)}
	s.Op.Reply = &world.Reply{Application: id(2), Token: world.Token(token)}
	s.Again = &world.Again{By: s.Op.By, ID: id(5), Reply: s.Op.Reply}
	s.Why = words.WhyNeverListens
	s.Tail, s.Unproven = &world.Tail{Operation: id(7), At: at}, g.epoch
	s.Boot.Step, s.Boot.StepSeq, s.Boot.SaveLate, s.Boot.LateTold = world.StepContainer, g.seq, true, true
	s.Crashes = []time.Time{at, at, at}
	s.Move = world.Move{
		Began: at, Noticed: true, From: places[0], To: places[1], Players: s.Session.Played[:world.MaxMoved],
		Notice: at, Signal: at, Proof: at, Gone: at, Asked: at, Machine: at, HostUp: at, Online: at,
	}
	for i := range world.MaxGuests {
		s.Session.Guests = append(s.Session.Guests, id(i))
	}
	s.Session.Guests = s.Session.Guests[:world.MaxGuests]
	const most = 10_000 * world.Dollar
	s.Bill = world.Bill{
		PerHour: 10 * world.Dollar, Counted: at, Session: most, Before: 100 * most, Month: world.MonthOf(at), Spent: most, Raised: most, Raises: 1000,
		Neared: true, Reached: true, StopAt: at,
	}
	s.Idle = world.Idle{Warned: at, Warnings: 1000, Awake: at}
	s.Session.Joined, s.Session.Warned = true, 2
	s.Blocked = blocked
	s.Deadline, s.RetryAt, s.EmptySince, s.WishAt = at, at, at, at
	s.Generation, s.LookNo, s.CheckNo, s.DeadlineNo = 1e9, 1e9, 1e9, 1e9
	s.Write = strings.Repeat("f", 37)
	chats := append(lines, answers...)
	for _, e := range beat {
		if e.Chat != nil && e.Chat.Kind == world.ChatCard {
			chats = append(chats, e)
		}
	}
	if len(chats) != world.MaxChatWaiting {
		t.Fatalf("messages: got %d, want %d", len(chats), world.MaxChatWaiting)
	}
	others := []world.Effect{
		{Order: &world.Order{Schema: 1, Kind: world.OrderStopIfEmpty, World: g.c.ID, Operation: id(6), Epoch: g.epoch, Issued: at}},
		{Order: &world.Order{Schema: 1, Kind: world.OrderLogTail, World: g.c.ID, Operation: id(6), Epoch: g.epoch, Issued: at, Lines: world.MaxTailLines}},
		{Cloud: &world.CloudDo{Act: world.ActLook, Operation: id(6), Round: 1e6, Placement: places[0], Token: s.Cloud.Token, Console: true}},
		{Delay: &world.Delay{Timer: world.Timer{Kind: world.TimerLook, Operation: id(6), Number: 1e9}, After: rules.LookEvery}},
		{Delay: &world.Delay{Timer: world.Timer{Kind: world.TimerCheck, Operation: id(6), Number: 1e9}, After: rules.CheckEvery}},
		{Delay: &world.Delay{Timer: world.Timer{Kind: world.TimerDeadline, Operation: id(6), Number: 1e9}, After: rules.ListenWithin}},
	}
	others = append(others, removals...)
	sizes := map[string]int{}
	part := func(name string, v any) { sizes[name] = len(asJSON(t, v)) }
	part("players", s.Boot.Players)
	part("seen", s.Boot.Seen)
	part("played", s.Session.Played)
	part("commands", s.Commands)
	part("blocked", s.Blocked)
	part("machine", s.Boot.Machine)
	part("op", s.Op)
	part("again", s.Again)
	part("move", s.Move)
	part("guests", s.Session.Guests)
	part("bare", s)
	for i, e := range append(chats, others...) {
		p := world.Pending{
			ID: fmt.Sprintf("%d.%d", s.Generation, i), Event: fmt.Sprintf("%s/%d/%d", g.c.ID, g.epoch, g.seq), Effect: e, Until: at,
		}
		if i >= len(lines) { // those before it failed, and are free until their next time
			p.Claim = strings.Repeat("c", 26)
		}
		s.Pending = append(s.Pending, p)
	}
	part("pending", s.Pending)
	part("removals", removals)
	part("leftovers", s.Leftovers)
	part("lines", lines)
	part("answers", answers)
	b, err := s.Encode()
	t.Logf("worst state: %d of %d bytes; %v", len(b), world.MaxStateBytes, sizes)
	if err != nil {
		t.Fatal(err)
	}
	got, err := world.DecodeState(b)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(asJSON(t, got), asJSON(t, s)) {
		t.Error(cmp.Diff(asJSON(t, got), asJSON(t, s)))
	}
}
