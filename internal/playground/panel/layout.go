package panel

// leverGroup is a block of levers as the page shows them.
type leverGroup struct {
	Title  string
	Hint   string
	Levers []leverButton
}

// leverButton is one button of the page.
type leverButton struct {
	Name   LeverName
	Label  string
	Detail string // what it stands for in the real world
	Toggle bool
	Danger bool
}

// guideStep is one step of the tour. Point is what to press for it: a lever,
// or, if Compose is set, the channel's composer with that text.
type guideStep struct {
	Title   string
	Text    string
	Point   LeverName
	Compose string
}

type stripStep struct {
	Step  Step
	Label string
}

type page struct {
	Strip   []stripStep
	Guide   []guideStep
	Players []leverButton // they act on the chosen player
	Groups  []leverGroup
}

// layout is what stands on the page, kept beside the names so that no lever
// is forgotten.
func layout() page {
	return page{
		Strip: []stripStep{
			{StepAsk, "ask"}, {StepMachine, "machine"}, {StepWorld, "world"},
			{StepPlay, "play"}, {StepSave, "save"}, {StepGone, "gone"},
		},
		Guide: []guideStep{
			{Title: "Light it", Text: "Send /start in the channel.", Compose: "/start"},
			{Title: "Let somebody in", Text: "When the world is up, a friend joins.", Point: PlayerJoin},
			{Title: "Take the machine away", Text: "Clouds do that to cheap ones. Watch it save and move.", Point: Evict},
			{Title: "Put it out", Text: "Send /stop. It saves first, then the machine is gone.", Compose: "/stop"},
		},
		Players: []leverButton{
			{Name: PlayerDie, Label: "Dies"},
			{Name: PlayerLeave, Label: "Leaves"},
			{Name: AllLeave, Label: "All leave"},
		},
		Groups: []leverGroup{
			{Title: "The cloud takes the machine", Levers: []leverButton{
				{Name: Evict, Label: "30 s notice", Detail: "Azure’s aim", Danger: true},
				{Name: EvictShort, Label: "8 s notice", Detail: "often it is less", Danger: true},
				{Name: Vanish, Label: "No notice", Detail: "simply gone", Danger: true},
			}},
			{Title: "Other trouble", Levers: []leverButton{
				{Name: NoCapacity, Label: "No machines left", Detail: "in any place", Toggle: true},
				{Name: BootFails, Label: "Boots fail", Detail: "no mirror answers", Toggle: true},
				{Name: Crash, Label: "Game crashes", Detail: "its process dies", Danger: true},
				{Name: Reboot, Label: "Machine restarts", Detail: "announced", Danger: true},
				{Name: OldClient, Label: "Old client tries", Detail: "of another version"},
				{Name: WrongPassword, Label: "Wrong password", Detail: "somebody guesses"},
			}},
		},
	}
}
