// While a negotiation or transfer moves, its page shows how: the part that tells where it stands is fetched again, until
// it says that nothing more will come. What somebody is typing in is left alone; without this script there is a link.
const watched = () => document.querySelector("#standing[data-watch]");
const look = async () => {
  const now = watched();
  if (!now) return;
  if (!document.hidden && !now.contains(document.activeElement)) {
    try {
      const answer = await fetch(location.pathname, { credentials: "same-origin" });
      if (answer.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const then = page.getElementById("standing");
        if (page.getElementById("pull") && !document.getElementById("pull")) return location.reload();
        if (then && then.innerHTML !== now.innerHTML && !now.contains(document.activeElement)) now.replaceWith(then);
      }
    } catch { /* the node is away for a moment */ }
  }
  setTimeout(look, 2000);
};
setTimeout(look, 1000);
