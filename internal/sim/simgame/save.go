package simgame

import "time"

// autosave is the save of every SaveEvery.
func (g *game) autosave() {
	if g.phase != listening {
		return
	}
	g.in(g.o.SaveEvery, g.autosave)
	g.requestSave()
}

// requestSave saves now, or once more after the save under way.
func (g *game) requestSave() {
	if g.saving {
		g.owed = true
		return
	}
	g.save(func() {})
}

// whenSaved does something as soon as no save is under way.
func (g *game) whenSaved(do func()) {
	if !g.saving {
		do()
		return
	}
	g.owed, g.after = false, do
}

// save says that it starts, copies the world, writes the copy 0.3 to 2 s later and says
// that it is finished.
func (g *game) save(then func()) {
	g.saving = true
	took := g.between(300*time.Millisecond, 2*time.Second)
	w := g.snapshot()
	g.saveBegins(w)
	g.in(took, func() {
		g.saving = false
		if err := store(g.o.Dir, w, g.o.Form); err != nil {
			g.log.say("Error saving world: %v", err)
		} else {
			g.world.Saves = w.Saves
			g.saveEnds(w, took)
		}
		then()
		if after := g.after; after != nil {
			g.after = nil
			after()
			return
		}
		if g.owed {
			g.owed = false
			g.requestSave()
		}
	})
}

func (g *game) saveBegins(w World) {
	g.log.say("Sending message to save player profiles")
	if g.o.Form.old() {
		g.log.say("PrepareSave: clone done in %dms", 20+g.rnd.IntN(60))
		g.log.say("PrepareSave: ZDOExtraData.PrepareSave done in %d ms", 20+g.rnd.IntN(60))
		g.log.say("World save writing starting")
		g.log.say("World save writing started")
		return
	}
	g.log.say("GetSaveClonePerChunk. Calculated number of actual chunk files: %d  Number of dirty chunks to save: %d [%dms]", 19, len(g.peers), 1+g.rnd.IntN(9))
	g.log.say("PrepareSave: ZDOExtraData.PrepareSave done [%dms]", 40+g.rnd.IntN(200))
	g.log.say(" ### Save World Thread Started! ### ")
	g.log.say("World save (1/5) Cloud & Backup checks done [0ms] => Save number %d", w.Saves)
}

func (g *game) saveEnds(w World, took time.Duration) {
	ms := float64(took.Microseconds()) / 1000
	if g.o.Form.old() {
		g.log.say("Saved %d ZDOs", 40_000+w.Saves*7)
		g.log.say("World save writing finishing")
		g.log.say("World save writing finished")
		g.log.say("World saved ( %.3fms )", ms)
		return
	}
	g.log.say("World save (2/5) Chunks writing done [%.0fms]", ms/2)
	g.log.say("World save (3/5) DB2 writing done [%.0fms]", ms/3)
	g.log.say("World save (4/5) FWL writing done [%.0fms]", ms/20)
	g.log.say("World save (5/5) done. Total time [%.0fms]", ms)
}
