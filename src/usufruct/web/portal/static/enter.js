// A login link carries its code behind `#`, where browsers keep it to themselves. Move it into the form; the person
// sends it. (A page that sent it by itself would spend the link on every preview, and log strangers in unasked.)
const code = location.hash.slice(1);
if (code) {
  history.replaceState(null, "", location.pathname);
  document.getElementById("code").value = code;
  document.querySelector("#enter button").focus();
}
