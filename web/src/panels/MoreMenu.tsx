import { MoonOutlined, MoreOutlined, QuestionCircleOutlined, SunOutlined, TranslationOutlined } from "../icons";
import { usePreferences, useWords } from "../state/preferences";
import { BarMenu } from "./BarMenu";

/** A screen on a stand, as the big screen is. */
export function WallIcon() {
  return (
    <svg viewBox="0 0 24 24" width="17" height="17" fill="none" stroke="currentColor" strokeWidth="1.8" strokeLinejoin="round" aria-hidden="true">
      <path d="M3 4.5h18v12H3zM8.5 20h7M12 16.5V20" />
    </svg>
  );
}

/** Where the bar is too narrow for all of its buttons: the others, with their names. */
export function MoreMenu({ help }: { help: () => void }) {
  const { t, language } = useWords();
  const { theme, setTheme, setDisplay, setLanguage } = usePreferences();
  const dark = theme === "dark";
  const other = language === "zh" ? "en" : "zh";
  return (
    <BarMenu className="bar-button only-narrow" name={t("settings.more")} button={<MoreOutlined />} entries={[
      { key: "tone", icon: dark ? <SunOutlined /> : <MoonOutlined />, label: t(dark ? "settings.light" : "settings.dark"), act: () => setTheme(dark ? "light" : "dark") },
      { key: "big", icon: <span className="anticon"><WallIcon /></span>, label: t("big.open"), act: () => setDisplay("big") },
      { key: "keys", icon: <QuestionCircleOutlined />, label: t("settings.keys"), act: help },
      { key: "language", icon: <TranslationOutlined />, label: <span lang={other === "en" ? "en" : "zh-CN"}>{t("settings.language")}</span>, act: () => setLanguage(other) },
    ]} />
  );
}
